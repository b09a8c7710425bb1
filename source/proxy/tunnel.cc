// SPDX-License-Identifier: Apache-2.0
// The part of a stream's life that is a tunnel.
#include "source/proxy/tunnel.h"

#include <utility>

#include "source/proxy/downstream_connection.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {

// The 101 is out. From here on neither route nor filters have a say.
void Stream::BeginTunnel() {
  CountRoute();
  breaker_pass_.End();  // It has been told of the 101; it goes with the snapshot.
  const auto at = static_cast<size_t>(plan_ - pinned_->snapshot->listeners.data());
  tunnel_ = arena_.New<Tunnel>(pinned_->terms[at], *chain_);
  info_.route = arena_.Copy(info_.route);
  info_.labels = nullptr;
  info_.listener = arena_.Copy(info_.listener);
  plan_ = tunnel_->plan.get();
  chain_ = &tunnel_->chain;
  request_pass_.KeepTo(*chain_);
  response_pass_.KeepTo(*chain_);
  route_ = nullptr;
  worker_.Unpin(*std::exchange(pinned_, nullptr));
  if (connection_->draining()) {
    DrainTunnel();  // It was asked for before that began.
  }
}

void Stream::TunnelData(std::string_view data, bool end) {
  if (tunnel_->told) {
    ReleaseResponseWindow();
    data = {};
  } else if (tunnel_->draining) {
    data = data.substr(0, tunnel_->frames.PassToBoundary(data));
  } else {
    tunnel_->frames.Pass(data);
  }
  ResponseDataPassed(data, end);
  if (!ended_ && tunnel_->draining) {
    TellGoingAway();
  }
}

// The process is going, or the listener: the client should come back elsewhere. It closes the
// WebSocket in its own words, which the endpoint hears.
void Stream::DrainTunnel() {
  if (tunnel_ != nullptr && !ended_ && !tunnel_->draining) {
    tunnel_->draining = true;
    tunnel_->since = worker_.loop.now();
    TellGoingAway();
    if (!ended_) {
      ArmDeadline();
    }
  }
}

void Stream::TellGoingAway() {
  if (tunnel_->told || !tunnel_->frames.at_boundary() || sender_ == nullptr) {
    return;
  }
  tunnel_->told = true;
  tunnel_->since = worker_.loop.now();
  sender_->SendData(http::kGoingAwayFrame, false);
  ArmDeadline();
}

}  // namespace gatehouse::proxy
