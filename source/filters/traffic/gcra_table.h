// SPDX-License-Identifier: Apache-2.0
// The theoretical arrival times (limit.h) of many keys, for all workers, in memory that is fixed.
//
// A key has eight slots that it may be in, in two neighbouring cache lines: the hashes in one, the
// times in the other. A decision is one compare-and-swap of one word; nothing locks, nothing
// allocates. A new key takes the slot of the one that owes least. Where that one still owes
// something, its debt goes to DebtMemory, from where it comes back with the key.
//
// Two threads that see the same new key in the same instant may put it into two slots, of which one
// is never read again: a request more than the burst, once. Clocks of workers may differ: a time
// that is behind the others' only makes a debt look larger by as much.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "source/base/clock.h"
#include "source/filters/traffic/debt_memory.h"
#include "source/filters/traffic/limit.h"
#include "source/filters/traffic/sip_hash.h"

namespace gatehouse::filters {

// A rate and a cost as the table counts them: in ticks of 4 ns, so that 56 bits last for 9 years
// of a machine's uptime.
class Pace {
 public:
  // The fastest rate is exact to 2 %, one of 1,000,000/s to 0.2 %.
  static constexpr Duration kTick{4};
  static constexpr Duration kShortestInterval{100};
  static constexpr Duration kLongestBurst{std::chrono::hours(24 * 366)};

  // REQUIRES: kShortestInterval <= rate.Interval(), burst * rate.Interval() <= kLongestBurst,
  // 1 <= cost <= burst.
  Pace(const LimitRate& rate, uint64_t cost);

  // What is said of a key whose time is `debt` ticks ahead, after an allowed request.
  LimitDecision Allowed(uint64_t debt) const;
  // Of one that was refused; its debt would be `debt` had it been allowed.
  LimitDecision Refused(uint64_t debt) const;

  uint64_t step() const { return step_; }            // By how much a request moves the time on.
  uint64_t tolerance() const { return tolerance_; }  // How far ahead it may be.
  // Rates that differ by up to a fifth have the same. A word tells at which one its debt was made.
  uint64_t speed() const { return speed_; }
  uint64_t burst() const { return burst_; }
  // What a debt of `debt` ticks, made at `speed`, is at this one: so many requests still.
  uint64_t Convert(uint64_t debt, uint64_t speed) const;

 private:
  uint64_t interval_;
  uint64_t step_;
  uint64_t tolerance_;
  uint64_t speed_;
  uint64_t burst_;
  double per_tick_;  // Requests.
};

// Any thread.
class GcraTable {
 public:
  // Room for twice `max_keys`, in 40 to 48 bytes for each of these.
  explicit GcraTable(uint64_t max_keys);

  struct Outcome {
    LimitDecision decision;
    bool evicted = false;  // A key that still owes something lost its slot.
  };
  // Decides about one request of the key whose hash is `key`.
  Outcome Take(uint64_t key, const Pace& pace, MonotonicTime now);
  // What Take() would say, without a trace.
  LimitDecision Peek(uint64_t key, const Pace& pace, MonotonicTime now) const;

  uint64_t max_keys() const { return max_keys_; }
  // What keys are hashed with.
  const SipKey& secret() const { return secret_; }
  // How many keys owe something now. Looks at all slots.
  uint64_t CountOwing(MonotonicTime now) const;

 private:
  static constexpr size_t kWays = 8;
  // A word: the time in ticks, and below it, in eight bits, the speed.
  struct alignas(128) Set {
    std::array<std::atomic<uint64_t>, kWays> keys{};  // 0: never used.
    std::array<std::atomic<uint64_t>, kWays> words{};
  };

  Set& SetOf(uint64_t key) const;
  // The slot that holds `key`, or null.
  static std::atomic<uint64_t>* Find(Set& set, uint64_t key);
  static LimitDecision Charge(std::atomic<uint64_t>& word, const Pace& pace, uint64_t now,
                              uint64_t floor);
  Outcome TakeNew(Set& set, uint64_t key, const Pace& pace, uint64_t now);

  const uint64_t max_keys_;
  const uint64_t sets_count_;
  const SipKey secret_ = SipKey::Random();
  const std::unique_ptr<Set[]> sets_;
  DebtMemory debts_;
};

}  // namespace gatehouse::filters
