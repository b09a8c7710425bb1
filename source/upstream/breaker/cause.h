// SPDX-License-Identifier: Apache-2.0
// Why a breaker changed, in numbers that can be read while they are written, and in words.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "source/base/clock.h"

namespace gatehouse::upstream {

struct BreakerCause {
  enum class Kind : uint8_t {
    kNone,
    kFailed,        // `part` of `whole` failed in `span`.
    kSlow,          // `part` of `whole` took longer than `limit`.
    kTrialsFailed,  // The same of trials.
    kTrialsSlow,
    kTrialsGood,
    kTrialsLate,  // None had a result in `span`.
    kWaited,      // open_for has passed.
    kCommand,
    kCommandEnded,
  };
  Kind kind = Kind::kNone;
  uint64_t part = 0;
  uint64_t whole = 0;
  Duration span{0};
  Duration limit{0};
  friend bool operator==(const BreakerCause&, const BreakerCause&) = default;
};

// "12 of 20 requests failed in 10s"; empty for kNone.
std::string Text(const BreakerCause& cause);

// Written by one thread at a time. What is read while it is written may be a mixture.
class StoredCause {
 public:
  void Store(const BreakerCause& cause) {
    kind_.store(cause.kind, std::memory_order_relaxed);
    part_.store(cause.part, std::memory_order_relaxed);
    whole_.store(cause.whole, std::memory_order_relaxed);
    span_.store(cause.span.count(), std::memory_order_relaxed);
    limit_.store(cause.limit.count(), std::memory_order_relaxed);
  }
  BreakerCause Load() const {
    return {kind_.load(std::memory_order_relaxed), part_.load(std::memory_order_relaxed),
            whole_.load(std::memory_order_relaxed), Duration(span_.load(std::memory_order_relaxed)),
            Duration(limit_.load(std::memory_order_relaxed))};
  }

 private:
  std::atomic<BreakerCause::Kind> kind_{BreakerCause::Kind::kNone};
  std::atomic<uint64_t> part_{0};
  std::atomic<uint64_t> whole_{0};
  std::atomic<int64_t> span_{0};
  std::atomic<int64_t> limit_{0};
};

}  // namespace gatehouse::upstream
