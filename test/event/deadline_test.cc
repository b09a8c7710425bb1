// SPDX-License-Identifier: Apache-2.0
#include "source/event/deadline.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kTick = DeadlineWheel::kTick;

struct DeadlineTest : testing::Test {
  DeadlineTest() { loop.UpdateNow(); }

  void After(Deadline& deadline, Duration delay) { loop.deadlines().ArmAfter(deadline, delay); }

  Loop loop{"test"};
  LoopWait wait{loop};
};

TEST_F(DeadlineTest, NeverFiresEarly) {
  std::vector<std::unique_ptr<TestDeadline>> deadlines;
  for (int ms : {0, 1, 19, 20, 21, 39, 40, 59, 80, 100}) {
    const MonotonicTime when = loop.now() + milliseconds(ms);
    deadlines.push_back(std::make_unique<TestDeadline>([this, when] {
      EXPECT_GE(MonotonicNow(), when);
      wait.Done();
    }));
    loop.deadlines().Arm(*deadlines.back(), when);
    EXPECT_TRUE(deadlines.back()->armed());
  }
  EXPECT_TRUE(wait.Run(static_cast<int>(deadlines.size())));
  EXPECT_FALSE(deadlines[0]->armed());
}

TEST_F(DeadlineTest, FiresInOrderWhenTicksAreApart) {
  std::vector<int> order;
  std::vector<std::unique_ptr<TestDeadline>> deadlines;
  for (int i : {4, 1, 3, 0, 2}) {
    deadlines.push_back(std::make_unique<TestDeadline>([&, i] {
      order.push_back(i);
      wait.Done();
    }));
    After(*deadlines.back(), i * 2 * kTick);
  }
  EXPECT_TRUE(wait.Run(5));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_F(DeadlineTest, MovedLater) {
  const MonotonicTime start = loop.now();
  TestDeadline deadline([&] { wait.Done(); });
  After(deadline, milliseconds(20));
  After(deadline, milliseconds(150));
  EXPECT_TRUE(wait.Run());
  EXPECT_GE(MonotonicNow(), start + milliseconds(150));
}

TEST_F(DeadlineTest, MovedLaterAndBackIsStillInTime) {
  bool late = false;
  TestDeadline limit([&] { late = true; });
  TestDeadline deadline([&] { wait.Done(); });
  After(limit, seconds(5));
  After(deadline, milliseconds(60));
  After(deadline, seconds(10));
  After(deadline, milliseconds(80));
  EXPECT_TRUE(wait.Run());
  EXPECT_FALSE(late);
}

TEST_F(DeadlineTest, MovedEarlier) {
  bool late = false;
  TestDeadline limit([&] { late = true; });
  TestDeadline deadline([&] { wait.Done(); });
  After(limit, seconds(5));
  After(deadline, seconds(15));
  After(deadline, milliseconds(20));
  EXPECT_TRUE(wait.Run());
  EXPECT_FALSE(late);
}

// The timer sleeps until the next deadline: one that is set meanwhile and is due before must move
// it.
TEST_F(DeadlineTest, SetWhileTheTimerSleepsForALaterOne) {
  bool late = false;
  TestDeadline far([&] { late = true; });
  TestDeadline near([&] { wait.Done(); });
  After(far, seconds(8));
  loop.Post([&] { After(near, milliseconds(30)); });
  EXPECT_TRUE(wait.Run());
  EXPECT_FALSE(late);
}

TEST_F(DeadlineTest, DisarmedDoesNotFire) {
  TestDeadline disarmed([] { FAIL(); });
  TestDeadline later([&] { wait.Done(); });
  After(disarmed, milliseconds(20));
  After(later, milliseconds(100));
  disarmed.Disarm();
  EXPECT_FALSE(disarmed.armed());
  EXPECT_TRUE(wait.Run());
}

TEST_F(DeadlineTest, DisarmedAndArmedAgain) {
  TestDeadline deadline([&] { wait.Done(); });
  After(deadline, milliseconds(20));
  deadline.Disarm();
  After(deadline, milliseconds(40));
  EXPECT_TRUE(wait.Run());
}

TEST_F(DeadlineTest, ArmsItselfAgain) {
  int runs = 0;
  std::unique_ptr<TestDeadline> deadline = std::make_unique<TestDeadline>([&] {
    if (++runs < 4) {
      After(*deadline, Duration::zero());
    } else {
      wait.Done();
    }
  });
  After(*deadline, Duration::zero());
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(runs, 4);
}

TEST_F(DeadlineTest, DestroyedInItsOwnCallback) {
  std::unique_ptr<TestDeadline> deadline = std::make_unique<TestDeadline>([&] {
    LoopWait& then = wait;
    deadline.reset();
    then.Done();
  });
  After(*deadline, milliseconds(1));
  EXPECT_TRUE(wait.Run());
}

TEST_F(DeadlineTest, DestroysOthersOfTheSameTick) {
  std::array<std::unique_ptr<TestDeadline>, 3> all;
  int fired = 0;
  for (auto& one : all) {
    one = std::make_unique<TestDeadline>([&] {
      ++fired;
      for (auto& other : all) {
        if (other.get() != all[0].get()) {
          other.reset();
        }
      }
      wait.Done();
    });
    After(*one, milliseconds(1));
  }
  EXPECT_TRUE(wait.Run());
  wait.RunFor(milliseconds(60));
  EXPECT_EQ(fired, 1);
}

// Further away than the wheel is long: looked at a turn later, never forgotten and never early.
TEST_F(DeadlineTest, FurtherThanOneTurn) {
  TestDeadline hour([] { FAIL(); });
  TestDeadline forever([] { FAIL(); });
  After(hour, std::chrono::hours(1));
  After(forever, Duration::max());
  EXPECT_FALSE(forever.armed());
  TestDeadline turn([&] { wait.Done(); });
  After(turn, 1023 * kTick + milliseconds(1));
  TestDeadline near([&] { After(turn, milliseconds(1)); });
  After(near, milliseconds(20));
  EXPECT_TRUE(wait.Run());
  After(hour, milliseconds(1));
  hour.Disarm();
  wait.RunFor(milliseconds(60));
}

TEST_F(DeadlineTest, InThePastFiresSoon) {
  TestDeadline deadline([&] { wait.Done(); });
  loop.deadlines().Arm(deadline, MonotonicTime(seconds(1)));
  EXPECT_TRUE(wait.Run());
}

TEST_F(DeadlineTest, OutlivesTheLoopUnharmed) {
  auto other = std::make_unique<Loop>("other");
  TestDeadline deadline([] { FAIL(); });
  other->deadlines().ArmAfter(deadline, milliseconds(20));
  other.reset();
}

}  // namespace
}  // namespace gatehouse::event
