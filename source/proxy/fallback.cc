// SPDX-License-Identifier: Apache-2.0
// What a route answers instead of an error: a fixed answer, or what another cluster says. Once:
// when that fails as well, its error is the answer. Who is over a limit goes to the other cluster
// by the same way as all: the filters behind the limiter have their say.
#include <optional>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"
#include "source/route/fallback_config.h"

namespace gatehouse::proxy {
namespace {

using route::FallbackReason;

std::optional<FallbackReason> ReasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCircuitOpen:
      return FallbackReason::kCircuitOpen;
    case ErrorCode::kNoEndpoint:
    case ErrorCode::kConnectFailed:
    case ErrorCode::kTlsFailed:
      return FallbackReason::kNoHealthy;
    case ErrorCode::kConnectTimeout:
    case ErrorCode::kResponseTimeout:
      return FallbackReason::kTimeout;
    case ErrorCode::kRateLimited:
    case ErrorCode::kConcurrencyLimited:
      return FallbackReason::kRateLimited;
    case ErrorCode::kOverloaded:
      return FallbackReason::kOverloaded;
    case ErrorCode::kUpstreamReset:
    case ErrorCode::kUpstreamUnprocessed:
    case ErrorCode::kMalformedResponse:
      return FallbackReason::kReset;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool Stream::FallBack(ErrorCode code) {
  if (route_ == nullptr || !route_->fallback.has_value()) {
    return false;
  }
  const std::optional<FallbackReason> reason = ReasonOf(code);
  return reason && route_->fallback->For(*reason) && FallBack(route::ReasonName(*reason));
}

bool Stream::FallBack(uint16_t status) {
  if (route_ == nullptr || !route_->fallback.has_value() || !route_->fallback->ForStatus(status)) {
    return false;
  }
  upstream_ended_ = worker_.loop.now();
  char* text = static_cast<char*>(arena_.Allocate(3));
  for (int i = 2, left = status; i >= 0; --i, left /= 10) {
    text[i] = static_cast<char>('0' + left % 10);
  }
  return FallBack({text, 3});
}

bool Stream::GoesElsewhere(ErrorCode code) {
  const std::optional<FallbackReason> reason = ReasonOf(code);
  if (reason != FallbackReason::kRateLimited || route_ == nullptr || sender_ == nullptr ||
      !route_->fallback.has_value() || !route_->fallback->arm || response_started_ ||
      request_pass_.head_passed() || request_pass_.stopped()) {
    return false;
  }
  if (!elsewhere_ && route_->fallback->For(*reason)) {
    elsewhere_ = true;
    TellAnswerer();
  }
  return elsewhere_;
}

// `reason` lives as long as the stream.
bool Stream::FallBack(std::string_view reason) {
  if (!info_.fallback.empty() || response_sent_ || response_started_ || sender_ == nullptr) {
    return false;
  }
  const route::Fallback& fallback = *route_->fallback;
  if (fallback.arm && !CanForwardAgain()) {
    return false;
  }
  info_.fallback = reason;
  if (!elsewhere_) {
    TellAnswerer();
  }
  worker_.metrics.Add(pinned_->snapshot->route_metrics[route_->index][RouteMetric::kFallbacks]);
  if (fallback.arm) {
    return ForwardFallback(*fallback.arm);
  }
  StartRespond(fallback.respond);
  return true;
}

// What has come of its content must be here still, and there must be time.
bool Stream::CanForwardAgain() const {
  const Duration total = route_->timeouts.total;
  if (total > Duration(0) && worker_.loop.now() >= info_.started + total) {
    return false;
  }
  // Else its head has just passed the filters, and content is on its way to the terminal.
  return terminal_ == Terminal::kForward ? attempt_.CanBeginAgain() : request_pass_.head_passed();
}

bool Stream::ForwardFallback(const route::Arm& arm) {
  TellDurations();
  CountUpstream();
  const bool begun = terminal_ == Terminal::kForward;
  const MonotonicTime now = MonotonicNow();
  upstream_before_ = info_.upstream_duration;
  upstream_started_ = upstream_connected_ = upstream_answered_ = upstream_ended_ = {};
  info_.upstream_status = 0;
  upstream::ClusterPool& pool = worker_.PoolFor(pinned_->snapshot->clusters[arm.cluster], *pinned_);
  cluster_ = &pool.cluster();
  info_.cluster = cluster_->name();
  info_.labels = &arm.labels;
  if (!AskBreaker(pinned_->snapshot->BreakerAt(arm.breaker), now)) {
    return true;
  }
  if (!pool.BeginRequest()) {
    breaker_pass_.End();
    (void)ReplyError(ErrorCode::kOverloaded, "max_requests of the fallback's cluster reached");
    return true;
  }
  Rewrite(*route_->forward());
  terminal_ = Terminal::kForward;
  upstream_started_ = now;
  if (begun) {
    attempt_.BeginAgain(pool, arm.labels);
  } else {
    attempt_.Begin(pool, arm.labels, *head_, !request_has_content_ && head_->upgrade.empty());
  }
  if (!ended_) {
    ArmDeadline();
  }
  return true;
}

}  // namespace gatehouse::proxy
