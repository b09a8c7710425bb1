// SPDX-License-Identifier: Apache-2.0
// A process for the admin endpoint to speak for, and requests to it, without sockets.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/admin/admin.h"
#include "source/base/arena.h"
#include "source/config/document.h"

namespace gatehouse::admin {

class FakeServer final : public ServerView {
 public:
  FakeServer() { status.last.diagnostics = std::make_shared<config::Diagnostics>(); }

  ServerState State() const override { return state; }
  ServerFacts Facts() const override { return facts; }
  std::shared_ptr<const proxy::Snapshot> Snapshot() const override { return snapshot; }
  std::vector<BoundListener> Listeners() const override { return bound; }
  std::vector<ResolvedHost> Hosts(const upstream::Cluster&) const override { return hosts; }
  const ConfigStatus& Status() const override { return status; }
  std::string EffectiveConfig() const override { return "version: 1\n"; }
  int64_t Sum(observe::MetricId id) const override { return metrics.Sum(id); }
  void Answer(std::function<proxy::HandlerResponse()> work,
              std::shared_ptr<proxy::HandlerReply> reply) override {
    reply->Send(work());
  }
  void AnswerFromMetrics(std::function<proxy::HandlerResponse(const observe::Metrics&)> work,
                         std::shared_ptr<proxy::HandlerReply> reply) override {
    reply->Send(work(metrics));
  }
  void Reload(std::string_view trigger, std::function<void(const ReloadReport&)> done) override {
    reloads.emplace_back(trigger, std::move(done));
  }
  void Validate(std::string text, std::function<void(const config::Diagnostics&)> done) override {
    config::Diagnostics diagnostics;
    diagnostics.AddFile("body");
    if (text.find("bad") != std::string::npos) {
      diagnostics.Error({0, 3, 5}, "routes[0]", "unknown key \"bad\"", "path");
    }
    done(diagnostics);
  }
  Result<std::string> ExplainRoute(const proxy::Snapshot&,
                                   const RouteQuestion& question) const override {
    asked = question;
    if (question.url == "nonsense") {
      return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, "not a URL");
    }
    return std::string("{\"route\": \"users\"}\n");
  }
  void Drain() override { ++drains; }
  void Quit() override { ++quits; }

  ServerState state = ServerState::kServing;
  ServerFacts facts{"1.2.3", {}, {}, {{3, 1}, {4, 2}}};
  std::shared_ptr<proxy::Snapshot> snapshot = std::make_shared<proxy::Snapshot>();
  std::vector<BoundListener> bound;
  std::vector<ResolvedHost> hosts;
  ConfigStatus status;
  observe::Metrics metrics;
  std::vector<std::pair<std::string, std::function<void(const ReloadReport&)>>> reloads;
  mutable RouteQuestion asked;
  int drains = 0;
  int quits = 0;
};

struct FakeRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string host = "127.0.0.1:9901";
  std::string body{};
};

// The answer to one request; `answered` turns true when it comes.
struct FakeAnswer final : proxy::HandlerReply {
  void Send(proxy::HandlerResponse sent) override {
    response = std::move(sent);
    ++answered;
  }
  nlohmann::json json() const { return nlohmann::json::parse(response.body, nullptr, false); }
  std::string Header(std::string_view name) const {
    for (const auto& [key, value] : response.headers) {
      if (key == name) {
        return value;
      }
    }
    return "";
  }

  proxy::HandlerResponse response;
  int answered = 0;
};

// Fills a head as the data path would hand it over.
inline void FillHead(const FakeRequest& request, http::RequestHead& head) {
  head.method_name = request.method;
  head.method = http::ParseMethod(request.method);
  head.target = request.target;
  const size_t mark = head.target.find('?');
  head.path = head.target.substr(0, mark);
  head.query = mark == std::string_view::npos ? "" : head.target.substr(mark + 1);
  head.authority = request.host;
  head.host = head.authority.substr(0, head.authority.rfind(':'));
  for (const auto& [name, value] : request.headers) {
    head.headers.Add(name, value);
  }
}

inline std::shared_ptr<FakeAnswer> Ask(Admin& admin, const FakeRequest& request) {
  ArenaPool pool;
  Arena arena(pool);
  http::RequestHead head(arena);
  FillHead(request, head);
  const observe::StreamInfo info;
  auto answer = std::make_shared<FakeAnswer>();
  admin.Handle({head, request.body, info}, answer);
  return answer;
}

}  // namespace gatehouse::admin
