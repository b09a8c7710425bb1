// SPDX-License-Identifier: Apache-2.0
// The half-open phase of a breaker in one word: which phase it is, how many may still try, and how
// the others fared. It changes whole, so that no place is taken twice or lost.
#pragma once

#include <cstdint>

namespace gatehouse::upstream {

struct Trials {
  uint32_t phase = 0;  // The lower bits of the phase's number.
  uint32_t left = 0;   // Up to kMax each.
  uint32_t good = 0;
  uint32_t failed = 0;
  uint32_t slow = 0;  // Of those that are good or failed.

  static constexpr uint32_t kMax = 1023;
  static constexpr uint32_t kPhaseMask = 0xff'ffff;

  static Trials Of(uint64_t word) {
    const auto field = [&](int at) { return static_cast<uint32_t>(word >> at) & kMax; };
    return {static_cast<uint32_t>(word >> 40) & kPhaseMask, field(30), field(20), field(10),
            field(0)};
  }
  uint64_t Word() const {
    return uint64_t{phase} << 40 | uint64_t{left} << 30 | uint64_t{good} << 20 |
           uint64_t{failed} << 10 | slow;
  }
  uint32_t done() const { return good + failed; }
};

}  // namespace gatehouse::upstream
