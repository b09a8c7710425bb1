// SPDX-License-Identifier: Apache-2.0
// What the admin endpoint sees of the server, and asks of it.
#include <utility>

#include "source/server/commands.h"
#include "source/server/route_explain.h"
#include "source/server/server.h"

namespace gatehouse::server {

admin::ServerState Server::State() const {
  return drain_->begun() ? admin::ServerState::kDraining
         : serving_      ? admin::ServerState::kServing
                         : admin::ServerState::kStarting;
}

admin::ServerFacts Server::Facts() const {
  admin::ServerFacts out;
  out.version = kVersion;
  out.started = started_;
  out.uptime = MonotonicNow() - started_monotonic_;
  for (const auto& worker : workers_) {
    out.workers.push_back({worker->worker().connections(), worker->worker().streams()});
  }
  for (const auto& epoch : old_epochs_) {
    out.epochs_in_use += epoch.expired() ? 0 : 1;
  }
  return out;
}

std::vector<admin::ResolvedHost> Server::Hosts(const upstream::Cluster& cluster) const {
  return dns_->Hosts(cluster);
}

void Server::Answer(std::function<proxy::HandlerResponse()> work,
                    std::shared_ptr<proxy::HandlerReply> reply) {
  // The reply is only touched, and only let go, on the control loop.
  background_.Run([this, work = std::move(work), reply = std::move(reply)]() mutable {
    auto response = std::make_shared<proxy::HandlerResponse>(work());
    control_.Post([response = std::move(response), reply = std::move(reply)] {
      reply->Send(std::move(*response));
    });
  });
}

void Server::AnswerFromMetrics(std::function<proxy::HandlerResponse(const observe::Metrics&)> work,
                               std::shared_ptr<proxy::HandlerReply> reply) {
  scraper_.Run(
      [this, snapshot = Snapshot(), work = std::move(work), reply = std::move(reply)]() mutable {
        process_metrics_->Collect(workers_, *snapshot);
        auto response = std::make_shared<proxy::HandlerResponse>(work(metrics_));
        control_.Post([response = std::move(response), reply = std::move(reply)] {
          reply->Send(std::move(*response));
        });
      });
}

void Server::Reload(std::string_view trigger,
                    std::function<void(const admin::ReloadReport&)> done) {
  reload_->Request(trigger, std::move(done));
}

void Server::Validate(std::string text, std::function<void(const config::Diagnostics&)> done) {
  compiler_.Run([this, text = std::move(text), done = std::move(done)]() mutable {
    auto diagnostics = Check(std::move(text), config::DirectoryOf(options_.source.path), catalog_);
    control_.Post(
        [diagnostics = std::move(diagnostics), done = std::move(done)] { done(*diagnostics); });
  });
}

Result<std::string> Server::ExplainRoute(const proxy::Snapshot& snapshot,
                                         const admin::RouteQuestion& question) const {
  const Result<nlohmann::ordered_json> answer =
      ExplainRequest(snapshot, question, options_.source.name);
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  return answer->dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void Server::Quit() {
  // Posted, so that the answer to whoever asked leaves first.
  control_.Post([this] { End(kExitOk); });
}

}  // namespace gatehouse::server
