// SPDX-License-Identifier: Apache-2.0
// How requests ended of late: slices of time for each worker, which it alone writes, added up by
// whoever asks.
//
// A window is for one phase of its breaker, named by a word that never comes again: what was
// counted for another is not in the sum, and goes with the first result of the new one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace gatehouse::upstream {

struct WindowCounts {
  uint64_t requests = 0;
  uint64_t failed = 0;
  uint64_t slow = 0;
  // A response that broke off is counted again, as a failure: perhaps when its request has left the
  // window already.
  uint64_t results() const { return requests < failed ? failed : requests; }
};

class BreakerWindow {
 public:
  static constexpr int64_t kSlices = 40;

  // Of the last slices: [0] is now.
  using Slices = std::array<WindowCounts, kSlices>;

  // Nanoseconds; `length` is at least kSlices.
  BreakerWindow(uint32_t workers, int64_t length)
      : width_(length / kSlices), lanes_(workers == 0 ? 1 : workers) {}

  int64_t width() const { return width_; }

  // The worker's thread. `now` may lag behind that of other workers.
  void Add(uint32_t worker, uint64_t phase, int64_t now, bool request, bool failed, bool slow) {
    Lane& lane = lanes_[worker < lanes_.size() ? worker : 0];
    const auto since = static_cast<uint64_t>(now - lane.begin);
    if (since >= static_cast<uint64_t>(width_) ||
        lane.phase.load(std::memory_order_relaxed) != phase) [[unlikely]] {
      Turn(lane, phase, now);
    }
    Slice& slice = *lane.current;
    Raise(slice.requests, request);
    if (failed || slow) {
      Raise(slice.failed, failed);
      Raise(slice.slow, slow);
    }
  }
  // Any thread. Adds to `out` what was counted for `phase` within the window that ends `now`.
  void Sum(uint64_t phase, int64_t now, Slices& out) const;

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min() / 2;

  struct Slice {
    std::atomic<int64_t> number{kNever};  // Of the time since the clock began, in widths.
    std::atomic<uint32_t> requests{0};
    std::atomic<uint32_t> failed{0};
    std::atomic<uint32_t> slow{0};
  };
  struct alignas(64) Lane {
    std::atomic<uint64_t> phase{0};
    int64_t begin = kNever;  // Of `current`.
    Slice* current = nullptr;
    std::array<Slice, kSlices> slices;
  };

  static void Raise(std::atomic<uint32_t>& count, bool by) {
    count.store(count.load(std::memory_order_relaxed) + (by ? 1 : 0), std::memory_order_relaxed);
  }
  void Turn(Lane& lane, uint64_t phase, int64_t now);

  const int64_t width_;
  std::vector<Lane> lanes_;
};

}  // namespace gatehouse::upstream
