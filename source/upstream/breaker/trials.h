// SPDX-License-Identifier: Apache-2.0
// The half-open phase of a breaker: how many requests may still try, and how the others fared.
// Places and results are one word that changes whole, so that no place is taken twice or lost.
//
// What is said of a phase that is over changes nothing.
#pragma once

#include <atomic>
#include <cstdint>

namespace gatehouse::upstream {

struct TrialCounts {
  uint32_t phase = 0;
  uint32_t left = 0;  // Places.
  uint32_t good = 0;
  uint32_t failed = 0;
  uint32_t slow = 0;       // Of those that are good or failed.
  uint32_t answering = 0;  // The head of the response was good, and its content is on its way.
  uint32_t lost = 0;       // Places that nobody takes again.

  uint32_t done() const { return good + failed; }
};

// Any thread, but for Begin(). Times are nanoseconds of MonotonicTime.
class TrialPhase {
 public:
  static constexpr uint32_t kMaxPlaces = 1023;
  static constexpr uint32_t kPhaseMask = 0xff'ffff;  // `phase` of all members is within.

  // As many as `places` of those that end without a result may give their place to another.
  explicit TrialPhase(uint32_t places) : places_(places) {}

  // One thread at a time.
  void Begin(uint32_t phase);
  // Whether there was a place.
  bool Take(uint32_t phase, int64_t now);
  // Of one that has no result.
  void GiveBack(uint32_t phase);
  // The head of a good response has come; it is no result yet.
  void Answer(uint32_t phase, int64_t now);
  // A result; `answered`: of one that Answer() was called for.
  void Count(uint32_t phase, bool answered, bool failed, bool slow);
  // One that was counted as good has failed after all.
  void Revoke(uint32_t phase);

  TrialCounts Counts() const;
  // When the latest place was taken, and the latest response began.
  int64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  int64_t answered() const { return answered_.load(std::memory_order_relaxed); }

 private:
  const uint32_t places_;
  alignas(64) std::atomic<uint64_t> results_{0};
  // Phase, how many ended without a result, how many are answering.
  std::atomic<uint64_t> others_{0};
  std::atomic<int64_t> taken_{0};
  std::atomic<int64_t> answered_{0};
};

}  // namespace gatehouse::upstream
