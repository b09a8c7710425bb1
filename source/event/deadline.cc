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
    linked_for_ = kNever;
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
  if (deadline.previous_ != nullptr && deadline.linked_for_ <= when) {
    return;
  }
  deadline.Unlink();
  Link(deadline, when);
}

void DeadlineWheel::Link(Deadline& deadline, MonotonicTime when) {
  if (!scheduled_) {
    last_tick_ = TickOf(loop_.now());
    Schedule();
  }
  const int64_t farthest = last_tick_ + static_cast<int64_t>(kSlots) - 1;
  const int64_t tick = std::clamp(TickOf(when) + 1, last_tick_ + 1, farthest);
  deadline.linked_for_ = std::min(when, MonotonicTime(tick * kTick));
  Head& head = slots_[static_cast<size_t>(tick) % kSlots];
  deadline.previous_ = head.previous_;
  deadline.next_ = &head;
  head.previous_->next_ = &deadline;
  head.previous_ = &deadline;
}

void DeadlineWheel::Schedule() {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(kTick).count();
  const timeval delay{0, static_cast<suseconds_t>(us)};
  event_add(timer_.get(), &delay);
  scheduled_ = true;
}

void DeadlineWheel::OnTick() {
  loop_.UpdateNow();
  const MonotonicTime now = loop_.now();
  const int64_t current = TickOf(now);
  const int64_t first = std::max(last_tick_ + 1, current - static_cast<int64_t>(kSlots) + 1);
  for (int64_t tick = first; tick <= current; ++tick) {
    last_tick_ = tick;
    Head& slot = slots_[static_cast<size_t>(tick) % kSlots];
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
        Link(deadline, deadline.when_);
      } else {
        deadline.when_ = Deadline::kNever;
        deadline.OnDeadline();
      }
    }
    due.next_ = due.previous_ = nullptr;
  }
  last_tick_ = std::max(last_tick_, current);
  const bool any = std::any_of(slots_.begin(), slots_.end(),
                               [](const Head& head) { return head.next_ != &head; });
  scheduled_ = false;
  if (any) {
    Schedule();
  }
  loop_.RunFlushes();
}

}  // namespace gatehouse::event
