// SPDX-License-Identifier: Apache-2.0
// What is counted of Redis: gatehouse_redis_..., of all servers together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "source/observe/metrics.h"

namespace gatehouse::redis {

// Why a call failed.
enum class Trouble : uint8_t {
  kTimeout,      // No answer in time.
  kUnreachable,  // No connection: refused, no route, no such name, wrong password.
  kClosed,       // It was closed with the call under way.
  kAway,         // Not asked: the server was known not to answer.
  kRefused,      // Redis answered with an error.
  kMalformed,    // What came is not Redis' protocol.
  kOverflow,     // Too many calls were under way.
};
inline constexpr size_t kTroubles = 7;

// Ids of the series; as they are, they count where nobody looks.
struct RedisMetrics {
  // Keeps them for good.
  static RedisMetrics Define(observe::Metrics& metrics);
  observe::MetricId error(Trouble trouble) const { return errors[static_cast<size_t>(trouble)]; }

  observe::MetricId calls{};
  observe::MetricId active{};
  std::array<observe::MetricId, kTroubles> errors{};
  observe::MetricId connections{};
  observe::MetricId script_loads{};
  observe::MetricId away{};
  observe::MetricId duration{};
};

}  // namespace gatehouse::redis
