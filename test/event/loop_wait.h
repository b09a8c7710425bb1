// SPDX-License-Identifier: Apache-2.0
// Runs a loop until what a test waits for has happened, or a time limit.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include "source/event/deadline.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// Loop thread only.
class LoopWait final : private Deadline {
 public:
  static constexpr Duration kLimit = std::chrono::seconds(20);

  explicit LoopWait(Loop& loop) : loop_(loop) {}

  // One of the awaited things has happened. May be called before Run().
  void Done() {
    ++done_;
    if (running_ && done_ >= wanted_) {
      loop_.Stop();
    }
  }

  // Runs until Done() has been called `wanted` times since the last Run(); false at the limit.
  bool Run(int wanted = 1, Duration limit = kLimit) {
    wanted_ = wanted;
    if (done_ < wanted_) {
      running_ = true;
      loop_.UpdateNow();
      loop_.deadlines().ArmAfter(*this, limit);
      loop_.Run();
      running_ = false;
      Disarm();
    }
    const bool reached = done_ >= wanted_;
    done_ = 0;
    return reached;
  }

  // Lets the loop run for `time`: for what must not happen.
  void RunFor(Duration time) { Run(1 << 30, time); }

 private:
  void OnDeadline() override { loop_.Stop(); }

  Loop& loop_;
  int wanted_ = 1;
  int done_ = 0;
  bool running_ = false;
};

// Calls a function when the time has come.
class TestDeadline final : public Deadline {
 public:
  explicit TestDeadline(std::function<void()> act) : act_(std::move(act)) {}

 private:
  void OnDeadline() override { act_(); }
  std::function<void()> act_;
};

// Calls a function from the ready list.
class TestReady final : public Ready {
 public:
  explicit TestReady(std::function<void()> act) : act_(std::move(act)) {}

 private:
  void OnReady() override { act_(); }
  std::function<void()> act_;
};

}  // namespace gatehouse::event
