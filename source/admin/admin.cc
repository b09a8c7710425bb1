// SPDX-License-Identifier: Apache-2.0
#include "source/admin/admin.h"

#include <string>
#include <utility>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/query.h"
#include "source/admin/reply.h"
#include "source/base/log.h"

namespace gatehouse::admin {
namespace {

// The lines of one path.
struct Page {
  const Endpoint* get = nullptr;
  const Endpoint* post = nullptr;
  std::vector<std::string> names;

  bool exists() const { return get != nullptr || post != nullptr; }
  bool open() const { return get != nullptr && get->open; }
  std::string allow() const {
    std::string out = get != nullptr ? "GET, HEAD" : "";
    if (post != nullptr) {
      out += out.empty() ? "POST" : ", POST";
    }
    return out;
  }
};

// Whether `path` is one of `pattern`'s; what stands for its `*` goes to `names`, as it was sent.
bool Fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& names) {
  names.clear();
  for (;;) {
    const size_t pattern_end = pattern.find('/');
    const size_t path_end = path.find('/');
    const std::string_view segment = path.substr(0, path_end);
    if (pattern.substr(0, pattern_end) == "*" && !segment.empty()) {
      names.push_back(segment);
    } else if (pattern.substr(0, pattern_end) != segment) {
      return false;
    }
    if (pattern_end == pattern.npos || path_end == path.npos) {
      return pattern_end == path_end;  // Both are at their end.
    }
    pattern.remove_prefix(pattern_end + 1);
    path.remove_prefix(path_end + 1);
  }
}

Page Find(std::string_view path) {
  Page page;
  std::vector<std::string_view> names;
  for (const Endpoint& endpoint : Endpoints()) {
    if (Fits(endpoint.path, path, names)) {
      page.names.assign(names.begin(), names.end());
      (endpoint.verb == Verb::kGet ? page.get : page.post) = &endpoint;
    }
  }
  return page;
}

// What the handlers leave to be said once: nothing here is to be kept or guessed at.
class PlainReply final : public proxy::HandlerReply {
 public:
  explicit PlainReply(std::shared_ptr<proxy::HandlerReply> next) : next_(std::move(next)) {}
  void Send(proxy::HandlerResponse response) override {
    response.headers.emplace_back("cache-control", "no-store");
    response.headers.emplace_back("x-content-type-options", "nosniff");
    next_->Send(std::move(response));
  }

 private:
  std::shared_ptr<proxy::HandlerReply> next_;
};

// Of a segment of a path, where plus is no space.
std::string DecodePath(std::string_view segment) {
  std::string plain;
  for (const char c : segment) {
    plain.append(c == '+' ? std::string_view("%2B") : std::string_view(&c, 1));
  }
  return DecodeForm(plain);
}

void Refuse(const Refusal& refusal, const proxy::HandlerRequest& request,
            proxy::HandlerReply& reply) {
  log::Warning("admin request refused", {{"reason", refusal.error},
                                         {"method", request.head.method_name},
                                         {"path", request.head.path},
                                         {"peer", request.info.peer.ToString()}});
  proxy::HandlerResponse response = ErrorResponse(refusal.status, refusal.error, refusal.message);
  if (refusal.status == 401) {
    response.headers.emplace_back("www-authenticate", "Bearer realm=\"gatehouse admin\"");
  }
  reply.Send(std::move(response));
}

}  // namespace

void Admin::Handle(const proxy::HandlerRequest& request,
                   std::shared_ptr<proxy::HandlerReply> bare_reply) {
  auto reply = std::make_shared<PlainReply>(std::move(bare_reply));
  const http::Method method = request.head.method;
  const bool reads = method == http::Method::kGet || method == http::Method::kHead;
  const Page page = Find(request.head.path);
  if (!(reads && page.open())) {
    if (const std::optional<Refusal> refusal = access_.Check(request.head, !reads)) {
      Refuse(*refusal, request, *reply);
      return;
    }
  }
  if (!page.exists()) {
    reply->Send(ErrorResponse(404, "not_found", "no such page; GET / lists them"));
    return;
  }
  const Endpoint* endpoint = reads ? page.get : method == http::Method::kPost ? page.post : nullptr;
  if (endpoint == nullptr) {
    proxy::HandlerResponse response =
        ErrorResponse(405, "method_not_allowed", "this page takes " + page.allow());
    response.headers.emplace_back("allow", page.allow());
    reply->Send(std::move(response));
    return;
  }
  // Of changes to filters some are told: they may come by the thousand, and filters tell what it
  // was.
  const bool of_filter = request.head.path.starts_with("/filters/");
  if (!reads && (!of_filter || told_.Admit(MonotonicNow()))) {
    log::Info("admin request",
              {{"path", request.head.path}, {"peer", request.info.peer.ToString()}});
  }
  const Query query(request.head.query);
  Call call{request, query, server_, std::move(reply)};
  for (const std::string& name : page.names) {
    call.names.push_back(DecodePath(name));
  }
  endpoint->handle(call);
}

}  // namespace gatehouse::admin
