// SPDX-License-Identifier: Apache-2.0
// Time as the gateway counts it: monotonic nanoseconds for deadlines, wall time for people.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace gatehouse {

using Duration = std::chrono::nanoseconds;

// Nanoseconds of CLOCK_MONOTONIC. Never compared across processes.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Nanoseconds since 1970-01-01 UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

inline MonotonicTime MonotonicNow() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return MonotonicTime(std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec));
}

inline WallTime WallNow() {
  timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return WallTime(std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec));
}

}  // namespace gatehouse
