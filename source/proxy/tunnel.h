// SPDX-License-Identifier: Apache-2.0
// What a stream is after a 101: bytes both ways, past the filters, for as long as both sides like.
#pragma once

#include <memory>
#include <utility>

#include "source/base/clock.h"
#include "source/http/websocket/frames.h"
#include "source/pipeline/chain.h"
#include "source/proxy/snapshot.h"

namespace gatehouse::proxy {

// In its stream's arena. Holds what the stream still needs of its snapshot, which it leaves: a
// tunnel may last through hundreds of epochs.
struct Tunnel {
  // How long the endpoint may take to end a frame, and then the client for its half of the closing
  // handshake (RFC 6455 section 7.1.2).
  static constexpr Duration kCloseGrace = std::chrono::seconds(5);

  Tunnel(std::shared_ptr<const ListenerPlan> plan, const pipeline::Chain& chain)
      : plan(std::move(plan)), chain(chain) {}

  const std::shared_ptr<const ListenerPlan> plan;
  const pipeline::Chain chain;
  http::FrameBoundaries frames;  // Of what comes from the endpoint.
  bool draining = false;
  // The client has been told to go away: nothing more of the endpoint's is for it.
  bool told = false;
  MonotonicTime since{};  // Since when it is told, or draining.
};

}  // namespace gatehouse::proxy
