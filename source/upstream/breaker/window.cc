// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/window.h"

#include <algorithm>

namespace gatehouse::upstream {

// Another slice begins, or another phase. The counts are cleared before the slice gets its number,
// and slices before the lane gets its phase: who sees those sees no older counts.
void BreakerWindow::Turn(Lane& lane, uint64_t phase, int64_t now) {
  const bool same_phase = lane.phase.load(std::memory_order_relaxed) == phase;
  const int64_t behind = lane.begin - now;
  if (same_phase && lane.current != nullptr && behind > 0 && behind < width_ * kSlices) {
    return;  // A clock that lags: it counts for the latest slice.
  }
  if (!same_phase) {
    for (Slice& slice : lane.slices) {
      slice.number.store(kNever, std::memory_order_relaxed);
    }
  }
  const int64_t number = now / width_;
  Slice& slice = lane.slices[static_cast<size_t>(number % kSlices)];
  slice.number.store(kNever, std::memory_order_release);
  slice.requests.store(0, std::memory_order_release);
  slice.failed.store(0, std::memory_order_release);
  slice.slow.store(0, std::memory_order_release);
  slice.number.store(number, std::memory_order_release);
  lane.begin = number * width_;
  lane.current = &slice;
  lane.phase.store(phase, std::memory_order_release);
}

void BreakerWindow::Sum(uint64_t phase, int64_t now, Slices& out) const {
  const int64_t current = now / width_;
  for (const Lane& lane : lanes_) {
    if (lane.phase.load(std::memory_order_acquire) != phase) {
      continue;
    }
    for (const Slice& slice : lane.slices) {
      const int64_t age = current - slice.number.load(std::memory_order_acquire);
      if (age >= kSlices || age <= -kSlices) {
        continue;
      }
      WindowCounts& sum = out[static_cast<size_t>(std::max<int64_t>(age, 0))];
      sum.requests += slice.requests.load(std::memory_order_relaxed);
      sum.failed += slice.failed.load(std::memory_order_relaxed);
      sum.slow += slice.slow.load(std::memory_order_relaxed);
    }
  }
}

}  // namespace gatehouse::upstream
