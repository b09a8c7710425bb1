// SPDX-License-Identifier: Apache-2.0
// Coarse deadlines: thousands of them at the price of a list link, checked by one tick.
#pragma once

#include <array>
#include <cstdint>

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
  MonotonicTime linked_for_ = kNever;  // Slot it sits in: at or before when_.
  Deadline* next_ = nullptr;
  Deadline* previous_ = nullptr;
};

class DeadlineWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  explicit DeadlineWheel(Loop& loop);
  ~DeadlineWheel();

  // Fires `deadline` at `when`, instead of any time set before.
  void Arm(Deadline& deadline, MonotonicTime when);
  void ArmAfter(Deadline& deadline, Duration delay) { Arm(deadline, loop_.now() + delay); }

 private:
  static constexpr size_t kSlots = 1024;  // 20 s; what is further away is looked at once a turn.

  struct Head final : Deadline {
    void OnDeadline() override {}
  };
  void Link(Deadline& deadline, MonotonicTime slot_time);
  void OnTick();
  void Schedule();
  int64_t TickOf(MonotonicTime time) const { return time.time_since_epoch() / kTick; }

  Loop& loop_;
  EventPtr timer_;
  bool scheduled_ = false;
  int64_t last_tick_ = 0;
  std::array<Head, kSlots> slots_;
  friend class Deadline;
};

}  // namespace gatehouse::event
