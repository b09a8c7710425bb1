// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/pool/connection.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/http/h1/client_codec.h"

namespace gatehouse::upstream {

Connection::Connection(const IoContext& io, std::shared_ptr<const Endpoint> endpoint, Owner& owner,
                       const ConnectionTerms& terms, bool http1_only)
    : io_(io),
      endpoint_(std::move(endpoint)),
      owner_(owner),
      terms_(terms),
      socket_(io.loop, io.buffers, *this),
      input_(io.buffers),
      http1_only_(http1_only) {}

http::RequestSender& Connection::Start(http::ResponseEvents& events, Arena& arena) {
  GATEHOUSE_CHECK(streams_ < limit_ && !lost_, "a request on a connection that can't take one");
  ++streams_;
  ++requests_;
  if (!http2_) {
    Disarm();
  } else {
    Tick();
  }
  return codec_->Start(events, arena);
}

void Connection::Park(Duration timeout) {
  if (!http2_) {
    io_.loop.deadlines().ArmAfter(*this, timeout);
    return;
  }
  idle_due_ = io_.loop.now() + timeout;
  if (!waiters.empty()) {
    Tick();
  } else if (!ticking_) {
    io_.loop.deadlines().Arm(*this, idle_due_);
  }
}

void Connection::Abandon() {
  lost_ = true;
  limit_ = 0;
  Disarm();
  input_.Discard();
  socket_.Close();
}

// ---- The socket's side ----

void Connection::OnSocketEvent() {
  if (lost_) {
    return;
  }
  if (connecting_) {
    GoOnConnecting();
    return;
  }
  // An endpoint that answers early and closes makes our writing fail; its answer is still there.
  const int error = socket_.error();
  Pump();
  if (error != 0 && !lost_) {
    OnTransportEnd();
  }
}

void Connection::Pump() {
  const ReadOutcome outcome = input_.Pump(io_, socket_, *codec_);
  if (input_.TakeByteCount() > 0 && !lost_) {
    NoteHeard();
  }
  switch (outcome) {
    case ReadOutcome::kDrained:
      break;
    case ReadOutcome::kMore:
      io_.loop.Queue(*this);
      break;
    case ReadOutcome::kEof:
      transport_ended_ = true;
      if (!lost_ && !socket_.truncated()) {
        codec_->OnEof();
      }
      if (!lost_) {
        OnTransportEnd();
      }
      break;
    case ReadOutcome::kError:
      if (!lost_) {
        OnTransportEnd();
      }
      break;
  }
}

void Connection::NoteHeard() {
  ++heard_;
  const Doubt doubt = std::exchange(doubt_, Doubt::kNone);
  if (doubt != Doubt::kNone && limit_ > 0 && !socket_.peer_closed()) {
    owner_.OnConnectionFree(*this);
  }
}

// Whoever is still under way hears of it.
void Connection::OnTransportEnd() {
  transport_ended_ = true;
  limit_ = 0;
  codec_->OnTransportLost({ErrorCode::kUpstreamReset, ErrorSource::kUpstream, WhyBroken()});
  Lose(nullptr);
}

std::string Connection::WhyBroken() const {
  const event::SocketLayer* layer = socket_.layer();
  if (layer != nullptr && !layer->failure().empty()) {
    return "connection to " + endpoint_->name + " broke: " + layer->failure();
  }
  if (socket_.error() != 0) {
    return "connection to " + endpoint_->name + " broke: " + std::strerror(socket_.error());
  }
  return endpoint_->name + (socket_.truncated() ? " closed the connection without TLS's word for it"
                                                : " closed the connection");
}

void Connection::OnReady() {
  if (lost_) {
    return;
  }
  if (early_error_ != 0) {
    FailToConnect(ErrorCode::kConnectFailed,
                  "can't connect to " + endpoint_->name + ": " + std::strerror(early_error_));
    return;
  }
  OnSocketEvent();
}

void Connection::QueueSocketEvent() { io_.loop.Queue(*this); }

void Connection::OnSocketDrained() {
  if (!lost_ && codec_ != nullptr) {
    codec_->OnSinkDrained();
  }
}

void Connection::OnTurnEnd() {
  if (!lost_ && codec_ != nullptr) {
    codec_->OnFlush();
  }
}

// ---- The codec's side ----

void Connection::OnStreamDone(bool reusable) {
  --streams_;
  if (lost_) {
    return;
  }
  // With a FIN already seen, the next request would only meet a closed door.
  if (!reusable || socket_.peer_closed() || (!http2_ && !codec_->CanStart())) {
    limit_ = 0;
  }
  if (limit_ > 0 || streams_ > 0) {
    owner_.OnConnectionFree(*this);
  } else {
    Lose(nullptr);
  }
}

void Connection::OnCapacityChanged() {
  if (lost_ || !http2_) {
    return;
  }
  doubt_ = Doubt::kNone;  // It has just been heard.
  const bool first = !std::exchange(settled_, true);
  UpdateLimit();
  if (limit_ == 0 && streams_ == 0) {
    Lose(nullptr);
    return;
  }
  owner_.OnConnectionFree(*this);
  if (first && !lost_) {
    owner_.OnConnectionSettled(*this);
  }
}

void Connection::UpdateLimit() {
  limit_ = socket_.peer_closed() ? 0 : std::min(codec_->max_streams(), terms_.max_streams);
  if (!settled_) {
    limit_ = std::min(limit_, expected_streams);
  }
}

void Connection::OnInputWanted() { io_.loop.Queue(*this); }

void Connection::OnCloseWanted() { Lose(nullptr); }

// ---- Time ----

// Looks at the streams once a second from here on.
void Connection::Tick() {
  if (!ticking_) {
    ticking_ = true;
    io_.loop.deadlines().ArmAfter(*this, kTick);
  }
}

void Connection::Suspect() {
  if (http2_ && !lost_ && doubt_ == Doubt::kNone) {
    doubt_ = Doubt::kNew;
    ticking_ = true;
    io_.loop.deadlines().ArmAfter(*this, Duration(0));
  }
}

void Connection::AskIfThere(MonotonicTime now) {
  if (now < next_ping_) {
    doubt_ = Doubt::kNotAsked;
    return;
  }
  doubt_ = Doubt::kAsked;
  next_ping_ = now + terms_.limits.http2.ping_interval;
  codec_->OnTick(now + clock_ahead_);  // Here the silence begins; at the next look it is too long.
  clock_ahead_ += terms_.limits.http2.ping_interval;
}

void Connection::OnDeadline() {
  if (connecting_) {
    FailToConnect(ErrorCode::kConnectTimeout,
                  "no answer from " + endpoint_->name +
                      (socket_.layer() == nullptr ? " while connecting" : " while shaking hands"));
  } else if (http2_) {
    OnHttp2Deadline();
  } else {
    Lose(nullptr);
  }
}

void Connection::OnHttp2Deadline() {
  const MonotonicTime now = io_.loop.now();
  if (!settled_ && !waiters.empty() && now >= settle_due_) {
    owner_.OnConnectionSettled(*this);
  }
  if (!lost_ && doubt_ == Doubt::kNew) {
    AskIfThere(now);
  }
  const bool asked = doubt_ == Doubt::kAsked;
  if (!lost_ && (streams_ > 0 || asked)) {
    codec_->OnTick(now + clock_ahead_);
  }
  if (lost_) {
    return;
  }
  ticking_ = false;
  if (streams_ > 0 || asked || !waiters.empty()) {
    Tick();
  } else if (now < idle_due_ && doubt_ == Doubt::kNone) {
    io_.loop.deadlines().Arm(*this, idle_due_);
  } else {
    Lose(nullptr);
  }
}

void Connection::Lose(const Error* connect_error) {
  if (lost_) {
    return;
  }
  Abandon();
  owner_.OnConnectionLost(*this, connect_error);
}

}  // namespace gatehouse::upstream
