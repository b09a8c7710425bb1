// SPDX-License-Identifier: Apache-2.0
// What a stream asks its cluster's circuit breaker, and tells it: the head of a response, or why
// there is none. A response that breaks off later was none after all.
#include <algorithm>
#include <string>

#include "source/base/text.h"
#include "source/config/values.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

// "circuit of users (version=v2) is open: 12 of 20 requests failed in 10s; 7s left"
std::string WhyRejected(const upstream::Breaker& breaker, upstream::BreakerState state,
                        uint64_t seconds) {
  std::string out = "circuit of " + breaker.cluster();
  if (!breaker.label_text().empty()) {
    out.append(" (").append(breaker.label_text()).append(")");
  }
  if (state == upstream::BreakerState::kHalfOpen) {
    return out.append(" is half-open, and others are trying");
  }
  out.append(" is open");
  const std::string cause = upstream::Text(breaker.Cause());
  out.append(cause.empty() ? "" : ": ").append(cause).append("; ");
  AppendUint(out, seconds);
  return out.append("s left");
}

}  // namespace

bool Stream::AskBreaker(upstream::Breaker* breaker, MonotonicTime now) {
  breaker_pass_.End();
  if (breaker == nullptr) {
    return true;
  }
  upstream::BreakerState state;
  const bool admitted = breaker->Admit(worker_.index, now, breaker_pass_, state);
  info_.breaker = StateName(state);
  if (admitted) {
    return true;
  }
  const auto seconds = static_cast<uint64_t>(
      std::chrono::ceil<std::chrono::seconds>(breaker->RetryAfter(now)).count());
  std::string text;
  AppendUint(text, seconds);
  (void)ReplyError(ErrorCode::kCircuitOpen, WhyRejected(*breaker, state, seconds),
                   {{"retry-after", text}});
  return false;
}

void Stream::TellBreaker(uint16_t status) {
  if (!breaker_pass_.pending()) {
    return;
  }
  const upstream::BreakerSettings& settings = breaker_pass_.breaker().settings();
  // The client's own time, while it sent the request, is not the endpoint's.
  const MonotonicTime now = worker_.loop.now();
  const Duration wait = now - std::max(upstream_started_, request_activity_);
  const bool slow = settings.slow_after > Duration(0) && wait >= settings.slow_after;
  breaker_pass_.Report(worker_.index, now, settings.failures.Of(status), slow);
}

// Of a response that did not come in time. Who has yet to send all of the request may be why it
// takes long; and an endpoint that had less than half of the time, as the request waited in the
// cluster's queue for most of it, can't be blamed.
ErrorCode Stream::WhyLate() const {
  if (!request_whole_ && request_unconsumed_ == 0) {
    return ErrorCode::kRequestTimeout;
  }
  if (!response_started_ && attempt_.queued()) {
    const Duration waited = upstream_connected_ - upstream_started_;
    if (!attempt_.asked() || worker_.loop.now() - upstream_connected_ < waited) {
      return ErrorCode::kOverloaded;
    }
  }
  return ErrorCode::kResponseTimeout;
}

void Stream::TellBreaker(ErrorCode code) {
  if (tunnel_ == nullptr && breaker_pass_.open()) {
    const upstream::BreakerSettings& settings = breaker_pass_.breaker().settings();
    const upstream::Verdict verdict = settings.failures.Of(code);
    const MonotonicTime now = worker_.loop.now();
    const bool slow = settings.slow_after > Duration(0) && breaker_pass_.pending() &&
                      verdict != upstream::Verdict::kNone &&
                      now - std::max(upstream_started_, request_activity_) >= settings.slow_after;
    breaker_pass_.Report(worker_.index, now, verdict, slow);
  }
}

}  // namespace gatehouse::proxy
