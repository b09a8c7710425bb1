// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/pool/connection.h"

#include <cstring>
#include <string>

#include "source/base/check.h"
#include "source/http/h1/client_codec.h"

namespace gatehouse::upstream {
namespace {

Error ConnectError(const Endpoint& endpoint, int error) {
  return {ErrorCode::kConnectFailed, ErrorSource::kUpstream,
          "can't connect to " + endpoint.name + ": " + std::strerror(error)};
}

Error TransportError(const Endpoint& endpoint, int error) {
  return {ErrorCode::kUpstreamReset, ErrorSource::kUpstream,
          "connection to " + endpoint.name + " broke: " + std::strerror(error)};
}

}  // namespace

Connection::Connection(const IoContext& io, std::shared_ptr<const Endpoint> endpoint, Owner& owner)
    : io_(io),
      endpoint_(std::move(endpoint)),
      owner_(owner),
      socket_(io.loop, io.buffers, *this),
      codec_(http::NewH1ClientCodec(*this, *this, http::CodecLimits{})),
      input_(io.buffers) {}

void Connection::Connect(Duration timeout) {
  connecting_ = true;
  early_error_ = socket_.Connect(endpoint_->address);
  if (early_error_ != 0) {
    io_.loop.Queue(*this);
    return;
  }
  io_.loop.deadlines().ArmAfter(*this, timeout);
}

http::RequestSender& Connection::Start(http::ResponseEvents& events, Arena& arena) {
  GATEHOUSE_CHECK(!busy_ && !lost_, "a request on a connection that can't take one");
  Disarm();
  busy_ = true;
  ++requests_;
  return codec_->Start(events, arena);
}

void Connection::Park(Duration timeout) { io_.loop.deadlines().ArmAfter(*this, timeout); }

void Connection::Abandon() {
  lost_ = true;
  Disarm();
  input_.Discard();
  socket_.Close();
}

void Connection::OnSocketEvent() {
  if (lost_) {
    return;
  }
  if (connecting_) {
    OnConnectEnd();
    return;
  }
  // An endpoint that answers early and closes makes our writing fail; its answer is still there.
  const int error = socket_.error();
  Pump();
  if (error != 0 && !lost_) {
    codec_->OnTransportLost(TransportError(*endpoint_, error));
    Lose(nullptr);
  }
}

void Connection::OnConnectEnd() {
  if (socket_.connecting()) {
    return;
  }
  connecting_ = false;
  Disarm();
  if (socket_.error() != 0) {
    const Error error = ConnectError(*endpoint_, socket_.error());
    Lose(&error);
    return;
  }
  owner_.OnConnected(*this);
}

void Connection::Pump() {
  switch (input_.Pump(io_, socket_, *codec_)) {
    case ReadOutcome::kDrained:
      break;
    case ReadOutcome::kMore:
      io_.loop.Queue(*this);
      break;
    case ReadOutcome::kEof:
      if (!lost_) {
        codec_->OnEof();
        Lose(nullptr);
      }
      break;
    case ReadOutcome::kError:
      if (!lost_) {
        codec_->OnTransportLost(TransportError(*endpoint_, socket_.error()));
        Lose(nullptr);
      }
      break;
  }
}

void Connection::OnReady() {
  if (lost_) {
    return;
  }
  if (early_error_ != 0) {
    connecting_ = false;
    const Error error = ConnectError(*endpoint_, early_error_);
    Lose(&error);
    return;
  }
  OnSocketEvent();
}

void Connection::QueueSocketEvent() { io_.loop.Queue(*this); }

void Connection::OnSocketDrained() {
  if (!lost_ && !connecting_) {
    codec_->OnSinkDrained();
  }
}

void Connection::OnStreamDone(bool reusable) {
  busy_ = false;
  if (lost_) {
    return;
  }
  // With a FIN already seen, the next request would only meet a closed door.
  if (reusable && !socket_.peer_closed() && codec_->CanStart()) {
    owner_.OnConnectionIdle(*this);
  } else {
    Lose(nullptr);
  }
}

void Connection::OnInputWanted() { io_.loop.Queue(*this); }

void Connection::OnCloseWanted() { Lose(nullptr); }

void Connection::OnDeadline() {
  if (connecting_) {
    connecting_ = false;
    const Error error{ErrorCode::kConnectTimeout, ErrorSource::kUpstream,
                      "no answer from " + endpoint_->name + " while connecting"};
    Lose(&error);
    return;
  }
  Lose(nullptr);
}

void Connection::Lose(const Error* connect_error) {
  if (lost_) {
    return;
  }
  Abandon();
  owner_.OnConnectionLost(*this, connect_error);
}

}  // namespace gatehouse::upstream
