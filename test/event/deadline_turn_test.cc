// SPDX-License-Identifier: Apache-2.0
// Deadlines further away than the wheel is long (20 s): takes that long.
#include <gtest/gtest.h>

#include "source/event/deadline.h"
#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DeadlineTurn, FarDeadlinesFireInTime) {
  Loop loop("test");
  LoopWait wait(loop);
  loop.UpdateNow();
  const MonotonicTime start = loop.now();
  const auto expect = [&](Duration delay) {
    EXPECT_GE(MonotonicNow() - start, delay);
    EXPECT_LT(MonotonicNow() - start, delay + milliseconds(500));
    wait.Done();
  };
  TestDeadline alone([&] { expect(seconds(24)); });
  TestDeadline moved([&] { expect(milliseconds(22'510)); });
  TestDeadline edge([&] { expect(1023 * DeadlineWheel::kTick); });
  TestDeadline set_late([&] { expect(milliseconds(23'300)); });
  TestDeadline sets([&] { loop.deadlines().Arm(set_late, start + milliseconds(23'300)); });
  loop.deadlines().ArmAfter(alone, seconds(24));
  loop.deadlines().ArmAfter(moved, seconds(1));
  loop.deadlines().ArmAfter(moved, milliseconds(22'510));
  loop.deadlines().ArmAfter(edge, 1023 * DeadlineWheel::kTick);
  loop.deadlines().ArmAfter(sets, milliseconds(2500));
  EXPECT_TRUE(wait.Run(4, seconds(40)));
}

}  // namespace
}  // namespace gatehouse::event
