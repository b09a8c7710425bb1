// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/gcra_table.h"

#include <algorithm>
#include <cmath>

#include "source/base/check.h"

namespace gatehouse::filters {
namespace {

constexpr unsigned kSpeedBits = 8;
constexpr uint64_t kSpeedMask = (uint64_t{1} << kSpeedBits) - 1;
constexpr double kSpeedsPerOctave = 4;
constexpr uint64_t kMaxDebt = uint64_t{1} << 54;  // In ticks; two years.

uint64_t TicksOf(MonotonicTime time) {
  return static_cast<uint64_t>(std::max(time.time_since_epoch(), Duration::zero()) / Pace::kTick);
}

uint64_t TimeIn(uint64_t word) { return word >> kSpeedBits; }
uint64_t WordOf(uint64_t time, uint64_t speed) { return time << kSpeedBits | speed; }

// The time that a word tells, in debts of this pace: `now` when nothing is owed.
uint64_t TimeIn(uint64_t word, const Pace& pace, uint64_t now) {
  const uint64_t time = TimeIn(word);
  if (time <= now) {
    return now;
  }
  const uint64_t speed = word & kSpeedMask;
  return speed == pace.speed() ? time : now + pace.Convert(time - now, speed);
}

// A key of 0 marks slots that were never used.
uint64_t Used(uint64_t key) { return key == 0 ? 1 : key; }

}  // namespace

Pace::Pace(const LimitRate& rate, uint64_t cost)
    : interval_(static_cast<uint64_t>(
          std::llround(rate.Interval() / static_cast<double>(kTick.count())))),
      step_(interval_ * cost),
      tolerance_(interval_ * rate.burst),
      speed_(static_cast<uint64_t>(
          std::lround(std::log2(static_cast<double>(interval_)) * kSpeedsPerOctave))),
      burst_(rate.burst),
      per_tick_(1.0 / static_cast<double>(interval_)) {
  GATEHOUSE_CHECK(cost >= 1 && cost <= rate.burst && speed_ <= kSpeedMask && interval_ > 0,
                  "limit_rates.cc has seen to it");
}

uint64_t Pace::Convert(uint64_t debt, uint64_t speed) const {
  const double factor =
      std::exp2((static_cast<double>(speed_) - static_cast<double>(speed)) / kSpeedsPerOctave);
  return static_cast<uint64_t>(
      std::min(static_cast<double>(debt) * factor, static_cast<double>(kMaxDebt)));
}

LimitDecision Pace::Allowed(uint64_t debt) const {
  // A hair more, as a whole number of intervals may come out a hair less.
  const double left = static_cast<double>(tolerance_ - debt) * per_tick_ * (1 + 1e-9);
  return {.allowed = true,
          .remaining = static_cast<uint64_t>(left),
          .reset = Duration(kTick * static_cast<int64_t>(debt))};
}

LimitDecision Pace::Refused(uint64_t debt) const {
  return {.allowed = false,
          .remaining = 0,
          .retry_after = Duration(kTick * static_cast<int64_t>(debt - tolerance_)),
          .reset = Duration(kTick * static_cast<int64_t>(debt - step_))};
}

GcraTable::GcraTable(uint64_t max_keys)
    : max_keys_(max_keys),
      sets_count_(max_keys / (kWays / 2) + 1),
      sets_(std::make_unique<Set[]>(sets_count_)),
      debts_(sets_count_ * kWays / 2) {}

GcraTable::Set& GcraTable::SetOf(uint64_t key) const {
  // The upper bits choose the set without a division.
  return sets_[static_cast<size_t>(static_cast<unsigned __int128>(key) * sets_count_ >> 64)];
}

std::atomic<uint64_t>* GcraTable::Find(Set& set, uint64_t key) {
  for (size_t i = 0; i < kWays; ++i) {
    const size_t at = (key + i) % kWays;  // It was put there if that was free.
    if (set.keys[at].load(std::memory_order_acquire) == key) {
      return &set.words[at];
    }
  }
  return nullptr;
}

LimitDecision GcraTable::Charge(std::atomic<uint64_t>& word, const Pace& pace, uint64_t now,
                                uint64_t floor) {
  uint64_t seen = word.load(std::memory_order_acquire);
  while (true) {
    const uint64_t time = std::max(TimeIn(seen, pace, now), floor);
    const uint64_t debt = time - now + pace.step();
    const bool allowed = debt <= pace.tolerance();
    if (!allowed && (time == TimeIn(seen) || time == now)) {
      return pace.Refused(debt);
    }
    // A debt that was converted is written down for who is refused too, or it would go on being
    // paid at the speed at which it was made.
    const uint64_t next = WordOf(allowed ? now + debt : time, pace.speed());
    if (word.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      return allowed ? pace.Allowed(debt) : pace.Refused(debt);
    }
  }
}

GcraTable::Outcome GcraTable::Take(uint64_t key, const Pace& pace, MonotonicTime now) {
  key = Used(key);
  Set& set = SetOf(key);
  std::atomic<uint64_t>* const word = Find(set, key);
  if (word == nullptr) [[unlikely]] {
    return TakeNew(set, key, pace, TicksOf(now));
  }
  return {Charge(*word, pace, TicksOf(now), 0)};
}

GcraTable::Outcome GcraTable::TakeNew(Set& set, uint64_t key, const Pace& pace, uint64_t now) {
  constexpr int kMostTries = 16;
  const uint64_t floor = std::max(now, debts_.Recall(key, now, pace.tolerance() - pace.step()));
  const uint64_t debt = floor - now + pace.step();
  if (debt > pace.tolerance()) {
    return {pace.Refused(debt)};  // Without a slot: its debt is remembered already.
  }
  for (int tries = 0; tries < kMostTries; ++tries) {
    if (std::atomic<uint64_t>* const word = Find(set, key)) {
      return {Charge(*word, pace, now, floor)};
    }
    size_t least = key % kWays;
    for (size_t i = 1; i < kWays && TimeIn(set.words[least]) > now; ++i) {
      const size_t at = (key + i) % kWays;
      least = TimeIn(set.words[at]) < TimeIn(set.words[least]) ? at : least;
    }
    uint64_t other = set.keys[least].load(std::memory_order_acquire);
    uint64_t seen = set.words[least].load(std::memory_order_acquire);
    const bool evicts = TimeIn(seen) > now;
    if (evicts) {
      debts_.Remember(other, TimeIn(seen), now);
    }
    if (!set.keys[least].compare_exchange_strong(other, key, std::memory_order_acq_rel)) {
      continue;
    }
    // Whoever finds the key from here on may be first at the word: then it is charged as any.
    if (set.words[least].compare_exchange_strong(seen, WordOf(now + debt, pace.speed()),
                                                 std::memory_order_acq_rel)) {
      if (floor > now) {
        debts_.Forget(key, now + debt);
      }
      return {pace.Allowed(debt), evicts};
    }
    return {Charge(set.words[least], pace, now, floor), evicts};
  }
  return {pace.Allowed(debt)};  // So many want this set at once that it passes uncounted.
}

LimitDecision GcraTable::Peek(uint64_t key, const Pace& pace, MonotonicTime time) const {
  key = Used(key);
  const uint64_t now = TicksOf(time);
  const std::atomic<uint64_t>* const word = Find(SetOf(key), key);
  const uint64_t owed =
      word != nullptr ? TimeIn(word->load(std::memory_order_acquire), pace, now)
                      : std::max(now, debts_.Recall(key, now, pace.tolerance() - pace.step()));
  const uint64_t debt = owed - now + pace.step();
  return debt <= pace.tolerance() ? pace.Allowed(debt) : pace.Refused(debt);
}

uint64_t GcraTable::CountOwing(MonotonicTime now) const {
  uint64_t count = 0;
  for (uint64_t i = 0; i < sets_count_; ++i) {
    for (const std::atomic<uint64_t>& word : sets_[i].words) {
      count += TimeIn(word.load(std::memory_order_relaxed)) > TicksOf(now) ? 1 : 0;
    }
  }
  return count;
}

}  // namespace gatehouse::filters
