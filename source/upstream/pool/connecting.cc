// SPDX-License-Identifier: Apache-2.0
// A connection's beginning: TCP, then TLS, then which HTTP it speaks; all within one timeout.
#include <cstring>
#include <string>
#include <utility>

#include "source/http/h1/client_codec.h"
#include "source/http/h2/client_codec.h"
#include "source/tls/layer.h"
#include "source/upstream/pool/connection.h"

namespace gatehouse::upstream {

void Connection::Connect() {
  connecting_ = true;
  early_error_ = socket_.Connect(endpoint_->address);
  if (early_error_ != 0) {
    io_.loop.Queue(*this);
    return;
  }
  settle_due_ = io_.loop.now() + terms_.connect_timeout;
  io_.loop.deadlines().Arm(*this, settle_due_);
}

void Connection::GoOnConnecting() {
  if (socket_.connecting()) {
    return;
  }
  if (socket_.layer() == nullptr) {
    if (socket_.error() != 0) {
      FailToConnect(ErrorCode::kConnectFailed,
                    "can't connect to " + endpoint_->name + ": " + std::strerror(socket_.error()));
      return;
    }
    if (std::unique_ptr<event::SocketLayer> layer = owner_.NewLayer(*this)) {
      socket_.AddLayer(std::move(layer), {});
    }
  }
  bool http2 = terms_.protocol == Protocol::kHttp2 && !http1_only_;
  if (socket_.layer() != nullptr) {
    if (!ShakeHands()) {
      return;
    }
    // Without ALPN it is HTTP/1.1 (RFC 9113 section 3.2).
    const std::string_view agreed = static_cast<const tls::Layer&>(*socket_.layer()).alpn();
    if (http2 && agreed != "h2") {
      FailToConnect(ErrorCode::kTlsFailed,
                    endpoint_->name + " does not agree to speak HTTP/2 (ALPN)");
      return;
    }
    http2 = agreed == "h2";
  }
  connecting_ = false;
  Disarm();
  UseCodec(http2);
  owner_.OnConnected(*this);
  // What came with the last of it is told by no further event.
  if (!lost_ && socket_.readable() && (http2_ || socket_.layer() != nullptr)) {
    io_.loop.Queue(*this);
  }
}

// Whether the handshake is over.
bool Connection::ShakeHands() {
  constexpr int kReads = 4;
  for (int i = 0; i < kReads && socket_.shaking_hands() && socket_.readable(); ++i) {
    (void)socket_.Read(io_.scratch.data(), io_.scratch.size());
  }
  const std::string& why = socket_.layer()->failure();
  if (socket_.error() != 0 || !why.empty()) {
    FailToConnect(ErrorCode::kTlsFailed,
                  "no TLS handshake with " + endpoint_->name + ": " +
                      (why.empty() ? std::string(std::strerror(socket_.error())) : why));
    return false;
  }
  if (!socket_.shaking_hands()) {
    return true;
  }
  if (socket_.peer_closed() && !socket_.readable()) {
    FailToConnect(ErrorCode::kTlsFailed,
                  "no TLS handshake with " + endpoint_->name + ": it closed the connection");
  } else if (socket_.readable()) {
    io_.loop.Queue(*this);
  }
  return false;
}

void Connection::UseCodec(bool http2) {
  http2_ = http2;
  if (!http2) {
    settled_ = true;
    limit_ = 1;
    codec_ = http::NewH1ClientCodec(*this, *this, terms_.limits);
    return;
  }
  codec_ = http::NewH2ClientCodec(*this, *this, io_.buffers, terms_.limits,
                                  socket_.layer() == nullptr ? "http" : "https");
  WantFlush();  // Its preface.
  UpdateLimit();
}

void Connection::FailToConnect(ErrorCode code, std::string message) {
  connecting_ = false;
  const Error error{code, ErrorSource::kUpstream, std::move(message)};
  Lose(&error);
}

}  // namespace gatehouse::upstream
