// SPDX-License-Identifier: Apache-2.0
// Running a loop on the test's own thread, for a bounded time.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "source/event/deadline.h"
#include "source/event/loop.h"

namespace gatehouse::server {

// Looks after each tick whether it may stop.
class Watcher final : private event::Deadline {
 public:
  Watcher(event::Loop& loop, std::function<bool()> enough, Duration limit)
      : loop_(loop), enough_(std::move(enough)), end_(MonotonicNow() + limit) {
    loop_.deadlines().ArmAfter(*this, Duration::zero());
  }
  bool satisfied() const { return satisfied_; }

 private:
  void OnDeadline() override {
    satisfied_ = enough_();
    if (satisfied_ || MonotonicNow() > end_) {
      loop_.Stop();
    } else {
      loop_.deadlines().ArmAfter(*this, event::DeadlineWheel::kTick);
    }
  }

  event::Loop& loop_;
  const std::function<bool()> enough_;
  const MonotonicTime end_;
  bool satisfied_ = false;
};

inline void RunUntil(event::Loop& loop, std::function<bool()> enough) {
  Watcher watcher(loop, std::move(enough), std::chrono::seconds(30));
  loop.Run();
  ASSERT_TRUE(watcher.satisfied());
}

inline void RunFor(event::Loop& loop, Duration time) {
  Watcher watcher(loop, [] { return false; }, time);
  loop.Run();
}

}  // namespace gatehouse::server
