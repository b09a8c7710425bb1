// SPDX-License-Identifier: Apache-2.0
// What a request goes to behind the filters: a cluster, a redirect, a fixed answer, a handler.
#include <string>
#include <utility>
#include <variant>

#include "source/proxy/downstream_connection.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"
#include "source/route/fallback_config.h"
#include "source/route/rewrite.h"

namespace gatehouse::proxy {

// The answer that a handler owes. It may be sent after the stream has gone, or never.
class StreamReply final : public HandlerReply {
 public:
  explicit StreamReply(Stream& stream) : stream_(&stream) {}
  ~StreamReply() override {
    if (stream_ != nullptr) {
      Detach().Abort(ErrorCode::kInternal, "the handler gave no answer");
    }
  }
  void Send(HandlerResponse response) override {
    if (stream_ == nullptr) {
      return;
    }
    Stream& stream = Detach();
    http::ResponseHead& head = stream.NewResponse(response.status);
    if (!response.content_type.empty()) {
      head.headers.Add("content-type", stream.arena_.Copy(response.content_type));
    }
    for (const auto& [name, value] : response.headers) {
      head.headers.Add(stream.arena_.Copy(name), stream.arena_.Copy(value));
    }
    stream.SendLocal(head, stream.arena_.Copy(response.body));
  }
  Stream& Detach() { return *std::exchange(stream_, nullptr); }
  // The stream has gone.
  void Forget() { stream_ = nullptr; }

 private:
  Stream* stream_;
};

void Stream::RequestPassed() {
  if (pinned_->snapshot->handler != nullptr) {
    StartHandler();
    return;
  }
  if (AnswerMaxForwards()) {
    return;
  }
  if (route_ == nullptr) {
    (void)ReplyError(ErrorCode::kNoRoute, "no route matches");
    return;
  }
  if (const route::Forward* forward = route_->forward()) {
    StartForward(*forward);
  } else if (const route::Redirect* redirect = route_->redirect()) {
    StartRedirect(*redirect);
  } else {
    StartRespond(*route_->respond());
  }
}

void Stream::RequestDataPassed(std::string_view chunk, bool end) {
  switch (terminal_) {
    case Terminal::kForward:
      attempt_.SendData(chunk, end);
      break;
    case Terminal::kHandler:
      if (handler_body_.size() + chunk.size() > kMaxHandlerBody) {
        (void)ReplyError(ErrorCode::kBodyTooLarge, "more content than a handler takes");
        return;
      }
      handler_body_.Append(chunk);
      if (end) {
        RunHandler();
      }
      break;
    case Terminal::kNone:
    case Terminal::kDiscard:
      break;
  }
}

void Stream::RequestTrailersPassed(http::Headers& trailers) {
  if (terminal_ == Terminal::kForward) {
    for (const auto& definition : chain_->definitions()) {
      definition->StripTrailers(trailers);
    }
    attempt_.SendTrailers(trailers);
  } else if (terminal_ == Terminal::kHandler) {
    RunHandler();
  }
}

void Stream::StartForward(const route::Forward& forward) {
  if (elsewhere_) {
    if (!FallBack(route::ReasonName(route::FallbackReason::kRateLimited))) {
      (void)ReplyError(ErrorCode::kRateLimited, info_.error_detail);
    }
    return;
  }
  const route::Arm& arm = forward.ArmAt(worker_.Random() % forward.total_weight);
  upstream::ClusterPool& pool = worker_.PoolFor(pinned_->snapshot->clusters[arm.cluster], *pinned_);
  cluster_ = &pool.cluster();
  info_.cluster = cluster_->name();
  info_.labels = &arm.labels;
  Rewrite(forward);
  const MonotonicTime now = MonotonicNow();
  if (!AskBreaker(pinned_->snapshot->BreakerAt(arm.breaker), now)) {
    return;
  }
  if (!pool.BeginRequest()) {
    breaker_pass_.End();
    (void)ReplyError(ErrorCode::kOverloaded, "max_requests of the cluster reached");
    return;
  }
  terminal_ = Terminal::kForward;
  upstream_started_ = now;
  const bool end = !request_has_content_ && head_->upgrade.empty();
  attempt_.Begin(pool, arm.labels, *head_, end);
  if (!ended_) {
    ArmDeadline();
  }
}

void Stream::Rewrite(const route::Forward& forward) {
  if (std::exchange(rewritten_, true)) {
    return;
  }
  const route::Rewrite& rewrite = *forward.rewrite;
  if (rewrite.changes_path()) {
    head_->target = route::RewrittenTarget(forward, *head_, arena_);
  }
  if (!rewrite.host.empty()) {
    head_->authority = rewrite.host;
    head_->headers.Set(http::Known::kHost, rewrite.host);
  }
  if (!head_->headers.Has(http::Known::kHost)) {
    head_->headers.Add("host", head_->authority);  // HTTP/1.0 may come without.
  }
  route::ApplyHeaderEdits(rewrite.headers, head_->headers);
}

void Stream::StartRedirect(const route::Redirect& redirect) {
  const std::string_view location =
      route::RedirectLocation(redirect, route_->match, *head_, arena_);
  if (location.empty()) {
    (void)ReplyError(ErrorCode::kMalformedRequest, "a redirect to the same host needs one");
    return;
  }
  (void)Reply(redirect.status, "", "text/plain; charset=utf-8", {{"location", location}});
}

void Stream::StartRespond(const route::Respond& respond) {
  http::ResponseHead& head = NewResponse(respond.status);
  if (!respond.body.empty()) {
    head.headers.Add("content-type", respond.content_type.empty()
                                         ? std::string_view("text/plain; charset=utf-8")
                                         : std::string_view(respond.content_type));
  }
  for (const auto& [name, value] : respond.headers) {
    head.headers.Add(name, value);
  }
  if (!info_.fallback.empty()) {
    head.headers.Add(kFallbackHeader, info_.fallback);
  }
  SendLocal(head, respond.body);
}

void Stream::StartHandler() {
  terminal_ = Terminal::kHandler;
  if (!request_has_content_) {
    RunHandler();
    return;
  }
  request_sink_.CollectingBegan();
  ArmDeadline();
}

void Stream::RunHandler() {
  auto reply = std::make_shared<StreamReply>(*this);
  handler_reply_ = reply;
  pinned_->snapshot->handler->Handle({*head_, handler_body_.view(), info_}, std::move(reply));
}

void Stream::DropHandlerReply() {
  if (const std::shared_ptr<StreamReply> reply = handler_reply_.lock()) {
    reply->Forget();
  }
  handler_reply_.reset();
}

}  // namespace gatehouse::proxy
