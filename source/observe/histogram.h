// SPDX-License-Identifier: Apache-2.0
// Durations as a histogram counts them: buckets with fixed bounds, 1 - 2.5 - 5 a decade, from 10
// microseconds to 50 seconds. The same for every histogram, so that any two can be compared.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "source/base/clock.h"

namespace gatehouse::observe {

// Upper bounds in nanoseconds, inclusive; the last bucket takes the rest.
inline constexpr std::array<int64_t, 22> kBucketBounds = {
    10'000,         25'000,
    50'000,         100'000,
    250'000,        500'000,
    1'000'000,      2'500'000,
    5'000'000,      10'000'000,
    25'000'000,     50'000'000,
    100'000'000,    250'000'000,
    500'000'000,    1'000'000'000,
    2'500'000'000,  5'000'000'000,
    10'000'000'000, 25'000'000'000,
    50'000'000'000, std::numeric_limits<int64_t>::max()};
inline constexpr size_t kBuckets = kBucketBounds.size();

// The same in seconds, as Prometheus writes numbers.
inline constexpr std::array<std::string_view, kBuckets> kBucketLabels = {
    "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025",
    "0.005", "0.01",    "0.025", "0.05",   "0.1",     "0.25",   "0.5",   "1",
    "2.5",   "5",       "10",    "25",     "50",      "+Inf"};

// The first bucket for values of each bit width. Bounds are at least twice the one before, so that
// the right one is this or the next.
inline constexpr auto kFirstBuckets = [] {
  std::array<uint8_t, 65> first{};
  for (size_t width = 1; width < first.size(); ++width) {
    const uint64_t least = uint64_t{1} << (width - 1);
    while (first[width] + 1u < kBuckets &&
           static_cast<uint64_t>(kBucketBounds[first[width]]) < least) {
      ++first[width];
    }
  }
  return first;
}();

// Index of the bucket that counts `duration`; what is negative counts as none at all.
inline size_t BucketOf(Duration duration) {
  const int64_t value = std::max<int64_t>(duration.count(), 0);
  const size_t bucket = kFirstBuckets[std::bit_width(static_cast<uint64_t>(value))];
  return bucket + (value > kBucketBounds[bucket] ? 1 : 0);
}

}  // namespace gatehouse::observe
