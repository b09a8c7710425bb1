// SPDX-License-Identifier: Apache-2.0
// Coarse deadlines: thousands of them at the price of a list link, checked by one timer.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "source/base/clock.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// A deadline of its owner's. Moving it later costs a store; firing is late by at most two ticks.
// Loop thread only; unlinks itself when destroyed.
class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  bool armed() const { return when_ != kNever; }
  void Disarm() { when_ = kNever; }

 protected:
  ~Deadline();

 private:
  friend class DeadlineWheel;
  static constexpr MonotonicTime kNever = MonotonicTime::max();
  // The time has come. May arm again, and may destroy itself.
  virtual void OnDeadline() = 0;
  void Unlink();

  MonotonicTime when_ = kNever;
  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
  uint32_t linked_tick_ = 0;  // Whose slot it sits in, modulo 2^32: at or before when_.
};

// The deadlines of a loop, in slots of one tick. The loop is woken for slots that hold some.
class DeadlineWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  explicit DeadlineWheel(Loop& loop);
  ~DeadlineWheel();

  // Fires `deadline` at `when`, instead of any time set before.
  void Arm(Deadline& deadline, MonotonicTime when);
  // A delay past the end of time never fires.
  void ArmAfter(Deadline& deadline, Duration delay) {
    const MonotonicTime now = loop_.now();
    Arm(deadline, delay < Deadline::kNever - now ? now + delay : Deadline::kNever);
  }

 private:
  static constexpr int64_t kSlots = 1024;  // 20 s; what is further away is looked at once a turn.
  static constexpr int64_t kNoTick = std::numeric_limits<int64_t>::max();

  struct Head final : Deadline {
    void OnDeadline() override {}
  };
  bool IsLinkedBy(const Deadline& deadline, MonotonicTime when) const;
  void Link(Deadline& deadline);
  Head& SlotOf(int64_t tick) { return slots_[static_cast<size_t>(tick % kSlots)]; }
  void OnTick();
  void RunSlot(Head& slot, MonotonicTime now);
  // Wakes the loop for that slot.
  void Schedule(int64_t tick);
  void ScheduleNext();
  int64_t TickOf(MonotonicTime time) const { return time.time_since_epoch() / kTick; }

  Loop& loop_;
  EventPtr timer_;
  int64_t last_tick_ = 0;  // Slots up to this one have been looked at.
  int64_t scheduled_ = kNoTick;
  bool ticking_ = false;
  std::array<Head, kSlots> slots_;
  friend class Deadline;
};

}  // namespace gatehouse::event
