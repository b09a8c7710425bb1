// SPDX-License-Identifier: Apache-2.0
// How much may pass, and what a limiter says: the same whoever keeps the count.
//
// The generic cell rate algorithm (ITU-T I.371, annex A; in its virtual scheduling form): each key
// has a theoretical arrival time (TAT), which every request moves on by what it costs. A request
// conforms as long as the TAT is no further ahead than the burst allows. Refused ones move nothing.
#pragma once

#include <cstdint>

#include "source/base/clock.h"

namespace gatehouse::filters {

// `amount` per `period`, evenly spread; `burst` at once after a rest.
struct LimitRate {
  uint64_t amount = 1;  // At least 1.
  Duration period{std::chrono::seconds(1)};
  uint64_t burst = 1;  // At least 1.

  // Between two requests of cost 1 at the full rate, in nanoseconds. Not whole numbers: 3/s.
  double Interval() const {
    return static_cast<double>(period.count()) / static_cast<double>(amount);
  }
  friend bool operator==(const LimitRate&, const LimitRate&) = default;
};

struct LimitDecision {
  bool allowed = true;
  uint64_t remaining = 0;   // What may still come at once, after this request.
  Duration retry_after{0};  // Of a refused one: until it would conform.
  Duration reset{0};        // Until a whole burst may come again.
};

}  // namespace gatehouse::filters
