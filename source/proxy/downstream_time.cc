// SPDX-License-Identifier: Apache-2.0
// What a client's connection waits for, and for how long: one deadline, whatever it is for.
#include <algorithm>
#include <utility>

#include "source/proxy/downstream_connection.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

// How often HTTP/2 looks at what is under way.
constexpr Duration kTick = std::chrono::seconds(1);
// How long a client without streams may take to close after GOAWAY. The codec is done earlier.
constexpr Duration kGoawayPatience = std::chrono::seconds(5);

}  // namespace

// While a head is incomplete its timeout runs, from its first byte. With HTTP/2 the connection's
// preface counts as one.
void DownstreamConnection::WatchHead(bool heard) {
  if (codec_->reading_head()) {
    if (!head_watched_) {
      head_watched_ = true;
      head_since_ = idle_since_ = worker_.loop.now();
      if (http2_) {
        ArmHttp2();
      } else {
        worker_.loop.deadlines().ArmAfter(*this, terms_->settings->request_headers_timeout);
      }
    }
  } else if (http2_ && heard && std::exchange(head_watched_, false) && !ticking_) {
    ArmHttp2();
  }
}

// Whether the client has taken nothing of what is pending for as long as it may be idle. Looked at
// now and then; what it takes in between counts.
bool DownstreamConnection::MakesNoProgress() {
  const MonotonicTime now = worker_.loop.now();
  auto pending = static_cast<uint32_t>(socket_.pending());
  if (http2_) {
    pending = sent_bytes_ - pending;  // More is written whenever there is room.
  }
  if (pending != last_pending_) {
    last_pending_ = pending;
    idle_since_ = now;
    return false;
  }
  return now - idle_since_ >= terms_->settings->idle_timeout;
}

// HTTP/2: once a second while there are streams, or something else to be watched; else when the
// connection has been idle for long enough.
void DownstreamConnection::ArmHttp2() {
  const ListenerSettings& settings = *terms_->settings;
  const MonotonicTime now = worker_.loop.now();
  MonotonicTime next = MonotonicTime::max();
  ticking_ = streams_ != nullptr || draining_ || socket_.pending() > 0 ||
             settings.codec.http2.ping_interval > Duration(0);
  if (ticking_) {
    next = now + kTick;
  }
  if (head_watched_) {
    next = std::min(next, head_since_ + settings.request_headers_timeout);
  } else if (streams_ == nullptr && !draining_) {
    next = std::min(next, idle_since_ + settings.idle_timeout);
  }
  worker_.loop.deadlines().Arm(*this, next);
}

void DownstreamConnection::OnHttp2Deadline() {
  const ListenerSettings& settings = *terms_->settings;
  const MonotonicTime now = worker_.loop.now();
  codec_->OnTick(now);
  if (state_ != State::kOpen) {
    return;
  }
  if (head_watched_ && now >= head_since_ + settings.request_headers_timeout) {
    head_watched_ = false;
    Count(ListenerMetric::kTimeouts);
    if (!codec_->OnHeadTimeout()) {
      Close(false);
    }
  } else if (socket_.pending() > 0) {
    if (MakesNoProgress()) {
      Close(true);
    }
  } else if (streams_ == nullptr && !head_watched_) {
    OnHttp2Idle(now);
  }
  if (state_ == State::kOpen) {
    ArmHttp2();
  }
}

// The client is told first: what it has sent by then has its answer (RFC 9113 section 6.8). Who
// does not react is not waited for.
void DownstreamConnection::OnHttp2Idle(MonotonicTime now) {
  if (!draining_ && now >= idle_since_ + terms_->settings->idle_timeout) {
    draining_ = true;
    idle_since_ = now;
    codec_->Drain();
  } else if (draining_ && now >= idle_since_ + kGoawayPatience) {
    state_ = State::kLingering;
    Linger();
  }
}

void DownstreamConnection::OnDeadline() {
  if (http2_ && state_ == State::kOpen) {
    OnHttp2Deadline();
    return;
  }
  // A response that is out and not taken is not over, whatever else the deadline was for.
  if (socket_.pending() > 0 && (state_ == State::kLingering || !busy())) {
    if (MakesNoProgress()) {
      Close(true);
    } else {
      worker_.loop.deadlines().ArmAfter(*this, kLinger);
    }
    return;
  }
  if (state_ == State::kLingering) {
    Close(false);
    return;
  }
  if (codec_ == nullptr && !tls_due_ && !proxy_header_due_ && input_.holds_input()) {
    UseCodec(false);  // Who can't say more than a few letters in time has its answer in HTTP/1.
    Pump();
    if (state_ != State::kOpen) {
      return;
    }
  }
  if (codec_ == nullptr) {
    Count(ListenerMetric::kTimeouts);
    Close(false);
    return;
  }
  if (codec_->reading_head() || (head_watched_ && requests_ == 0)) {
    head_watched_ = false;
    Count(ListenerMetric::kTimeouts);
    if (!codec_->OnHeadTimeout()) {
      Close(false);
    }
    return;
  }
  head_watched_ = false;
  if (codec_->busy()) {
    worker_.loop.deadlines().ArmAfter(*this, terms_->settings->idle_timeout);
    return;
  }
  const MonotonicTime due = idle_since_ + terms_->settings->idle_timeout;
  if (draining_ && (input_.holds_input() || socket_.readable())) {
    Pump();
    worker_.loop.deadlines().ArmAfter(*this, kDrainGrace);
  } else if (draining_) {
    state_ = State::kLingering;
    Linger();
  } else if (due > worker_.loop.now()) {
    worker_.loop.deadlines().Arm(*this, due);
  } else {
    Close(false);
  }
}

}  // namespace gatehouse::proxy
