// SPDX-License-Identifier: Apache-2.0
#include "source/event/deadline.h"

#include <event2/event.h>

#include <algorithm>

namespace gatehouse::event {

Deadline::~Deadline() { Unlink(); }

void Deadline::Unlink() {
  if (previous_ != nullptr) {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }
}

DeadlineWheel::DeadlineWheel(Loop& loop) : loop_(loop) {
  for (Head& head : slots_) {
    head.next_ = head.previous_ = &head;
  }
  timer_.reset(event_new(
      loop.base(), -1, 0,
      [](evutil_socket_t, short, void* self) { static_cast<DeadlineWheel*>(self)->OnTick(); },
      this));
}

DeadlineWheel::~DeadlineWheel() {
  for (Head& head : slots_) {
    while (head.next_ != &head) {
      head.next_->Unlink();
    }
    head.next_ = head.previous_ = nullptr;
  }
}

void DeadlineWheel::Arm(Deadline& deadline, MonotonicTime when) {
  deadline.when_ = when;
  // Linked at an earlier slot: the tick finds the new time there and moves it on.
  if (deadline.previous_ != nullptr && IsLinkedBy(deadline, when)) {
    return;
  }
  deadline.Unlink();
  Link(deadline);
}

// Whether its slot is looked at no later than that of `when` would be. It lies within one turn of
// the wheel, so that the lower half of its number says when.
bool DeadlineWheel::IsLinkedBy(const Deadline& deadline, MonotonicTime when) const {
  const auto ahead =
      static_cast<int32_t>(deadline.linked_tick_ - static_cast<uint32_t>(last_tick_));
  return last_tick_ + ahead <= TickOf(when) + 1;
}

void DeadlineWheel::Link(Deadline& deadline) {
  if (scheduled_ == kNoTick && !ticking_) {
    last_tick_ = std::max(last_tick_, TickOf(loop_.now()));
  }
  const int64_t tick =
      std::clamp(TickOf(deadline.when_) + 1, last_tick_ + 1, last_tick_ + kSlots - 1);
  deadline.linked_tick_ = static_cast<uint32_t>(tick);
  Head& head = SlotOf(tick);
  deadline.previous_ = head.previous_;
  deadline.next_ = &head;
  head.previous_->next_ = &deadline;
  head.previous_ = &deadline;
  if (tick < scheduled_ && !ticking_) {
    Schedule(tick);
  }
}

void DeadlineWheel::Schedule(int64_t tick) {
  // libevent reads a coarse clock: without the margin half of the wake-ups came too early.
  constexpr Duration kMargin = std::chrono::milliseconds(4);
  const Duration wait = MonotonicTime(tick * kTick) - MonotonicNow() + kMargin;
  const int64_t us =
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(wait).count());
  const timeval delay{us / 1'000'000, us % 1'000'000};
  event_add(timer_.get(), &delay);
  scheduled_ = tick;
}

void DeadlineWheel::ScheduleNext() {
  scheduled_ = kNoTick;
  for (int64_t tick = last_tick_ + 1; tick < last_tick_ + kSlots; ++tick) {
    const Head& head = SlotOf(tick);
    if (head.next_ != &head) {
      Schedule(tick);
      return;
    }
  }
}

void DeadlineWheel::OnTick() {
  loop_.UpdateNow();
  const MonotonicTime now = loop_.now();
  const int64_t current = TickOf(now);
  ticking_ = true;
  for (int64_t tick = std::max(last_tick_ + 1, current - kSlots + 1); tick <= current; ++tick) {
    last_tick_ = tick;
    RunSlot(SlotOf(tick), now);
  }
  ticking_ = false;
  ScheduleNext();
  loop_.RunFlushes();
}

void DeadlineWheel::RunSlot(Head& slot, MonotonicTime now) {
  // Whatever links itself to this slot meanwhile is due a turn later.
  Head due;
  due.next_ = due.previous_ = &due;
  if (slot.next_ != &slot) {
    due.next_ = slot.next_;
    due.previous_ = slot.previous_;
    due.next_->previous_ = due.previous_->next_ = &due;
    slot.next_ = slot.previous_ = &slot;
  }
  while (due.next_ != &due) {
    Deadline& deadline = *due.next_;
    deadline.Unlink();
    if (deadline.when_ == Deadline::kNever) {
      continue;
    }
    if (deadline.when_ > now) {
      Link(deadline);
    } else {
      deadline.when_ = Deadline::kNever;
      deadline.OnDeadline();
    }
  }
  due.next_ = due.previous_ = nullptr;
}

}  // namespace gatehouse::event
