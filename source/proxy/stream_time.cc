// SPDX-License-Identifier: Apache-2.0
// What a stream may wait for, and for how long: one deadline, looked at when it comes. And what it
// has waited for, stage by stage.
#include <algorithm>

#include "source/proxy/stream.h"
#include "source/proxy/tunnel.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {

namespace {

constexpr MonotonicTime kUnset{};

// A stage that has not been reached takes no time.
Duration Between(MonotonicTime from, MonotonicTime to) {
  return from == kUnset ? Duration(0) : std::max(to - from, Duration(0));
}

}  // namespace

void Stream::NoteRequestWhole() {
  if (!request_whole_) {
    request_whole_ = true;
    info_.request_duration = worker_.loop.now() - info_.started;
  }
}

// All of them together are the time up to the end of the upstream's response: one that it did not
// get past lasts until the end. Of two clusters, those with the first are left out.
void Stream::TellStages(MonotonicTime now) {
  if (!request_whole_) {
    info_.request_duration = info_.duration;
  }
  if (upstream_started_ == kUnset) {
    // What was answered in the turn in which it came has no later time than this.
    const bool at_once = own_answer_ == kUnset || own_answer_ == worker_.loop.now();
    const Duration taken = at_once ? info_.duration : Between(info_.started, own_answer_);
    info_.filters_duration = std::max(taken - upstream_before_, Duration(0));
    return;
  }
  const Duration before = Between(info_.started, upstream_started_);
  info_.filters_duration = std::max(before - upstream_before_, Duration(0));
  const MonotonicTime ended = upstream_ended_ != kUnset ? upstream_ended_ : now;
  const bool waited = upstream_connected_ != kUnset;
  // Without a wait for it there was a connection at once, or never a word of one.
  const bool connected = waited || attempt_.asked() || upstream_answered_ != kUnset;
  MonotonicTime asked =
      waited ? std::max(upstream_connected_, upstream_started_) : upstream_started_;
  asked = connected ? asked : ended;
  info_.connect_duration = Between(upstream_started_, asked);
  const MonotonicTime answered = upstream_answered_ != kUnset ? upstream_answered_ : ended;
  info_.response_wait = Between(asked, answered);
  info_.response_duration = Between(answered, ended);
}

MonotonicTime Stream::NextDeadline() const {
  MonotonicTime next = MonotonicTime::max();
  const auto at = [&](MonotonicTime from, Duration timeout) {
    if (timeout > Duration(0)) {
      next = std::min(next, from + timeout);
    }
  };
  if (!request_whole_ && request_unconsumed_ == 0) {
    at(request_activity_, plan_->settings->request_body_idle_timeout);
  }
  if (tunnel_ != nullptr) {
    at(std::max(request_activity_, response_activity_), plan_->settings->tunnel_idle_timeout);
    at(tunnel_->since, tunnel_->draining ? Tunnel::kCloseGrace : Duration(0));
  } else if (terminal_ == Terminal::kForward) {
    const route::RouteTimeouts& timeouts = route_->timeouts;
    if (!response_started_ && request_whole_) {
      at(std::max(upstream_started_, request_activity_), timeouts.response_headers);
    } else if (!response_started_) {
      // As long as the client has yet to send, nobody owes an answer: but content must be taken.
      at(request_activity_, request_unconsumed_ > 0 ? timeouts.idle : Duration(0));
    } else {
      at(std::max(request_activity_, response_activity_), timeouts.idle);
    }
    at(info_.started, timeouts.total);
  }
  return next;
}

void Stream::ArmDeadline() {
  const MonotonicTime next = NextDeadline();
  if (next != MonotonicTime::max()) {
    worker_.loop.deadlines().Arm(*this, next);
  }
}

void Stream::OnDeadline() {
  const MonotonicTime now = worker_.loop.now();
  if (ended_) {
    return;
  }
  if (NextDeadline() > now) {
    ArmDeadline();
    return;
  }
  if (tunnel_ != nullptr && tunnel_->draining) {
    sender_->SendData({}, true);  // The client, or the endpoint, has had its time.
    return;
  }
  const bool client_slow = !request_whole_ && request_unconsumed_ == 0 &&
                           request_activity_ + plan_->settings->request_body_idle_timeout <= now;
  if (client_slow || response_unconsumed_ > 0 || attempt_.splice_blocked()) {
    worker_.metrics.Add(plan_->metrics[ListenerMetric::kTimeouts]);
  } else if (tunnel_ == nullptr) {
    attempt_.CountTimeout();
    TellBreaker(WhyLate());
  }
  if (client_slow) {
    Abort(ErrorCode::kRequestTimeout, "the content stopped arriving");
    return;
  }
  Abort(ErrorCode::kResponseTimeout,
        response_started_ ? "the response stopped, or took too long" : "no response head in time");
}

}  // namespace gatehouse::proxy
