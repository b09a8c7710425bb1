// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/gcra_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <random>
#include <thread>
#include <vector>

namespace gatehouse::filters {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint64_t kKey = 0x1234567812345678;

LimitRate Rate(uint64_t amount, Duration period, uint64_t burst) { return {amount, period, burst}; }

class GcraTableTest : public testing::Test {
 protected:
  LimitDecision Take(const Pace& pace, uint64_t key = kKey) {
    return table_.Take(key, pace, now_).decision;
  }
  // How many of `count` requests at once pass.
  int Passing(int count, const Pace& pace, uint64_t key = kKey) {
    int passed = 0;
    for (int i = 0; i < count; ++i) {
      passed += Take(pace, key).allowed ? 1 : 0;
    }
    return passed;
  }

  MonotonicTime now_{hours(1)};
  GcraTable table_{1000};
};

TEST_F(GcraTableTest, ABurstAndThenTheRate) {
  const Pace pace(Rate(10, seconds(1), 5), 1);
  for (uint64_t left = 5; left-- > 0;) {
    const LimitDecision decision = Take(pace);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, left);
    EXPECT_EQ(decision.reset, milliseconds(100) * (5 - static_cast<int>(left)));
  }
  LimitDecision refused = Take(pace);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, milliseconds(100));
  EXPECT_EQ(refused.reset, milliseconds(500));
  now_ += milliseconds(99);
  EXPECT_EQ(Take(pace).retry_after, milliseconds(1)) << "who is refused pays nothing";
  now_ += milliseconds(1);
  EXPECT_TRUE(Take(pace).allowed);
  EXPECT_FALSE(Take(pace).allowed);
  now_ += minutes(1);
  EXPECT_EQ(Passing(100, pace), 5) << "a long rest saves up one burst";
}

TEST_F(GcraTableTest, ACostIsSoManyRequests) {
  const Pace three(Rate(10, seconds(1), 10), 3);
  EXPECT_EQ(Passing(10, three), 3);
  EXPECT_EQ(Take(three).retry_after, milliseconds(200));
  const Pace one(Rate(10, seconds(1), 10), 1);
  EXPECT_TRUE(Take(one).allowed) << "the tenth";
  EXPECT_FALSE(Take(one).allowed);
}

// Whatever the rate, what passes in a long time is what may.
TEST_F(GcraTableTest, RatesAreKept) {
  struct Case {
    LimitRate rate;
    Duration step;
    Duration during;
    double error;
  };
  for (const Case& one : {
           Case{Rate(3, seconds(1), 1), milliseconds(1), seconds(100), 0.005},
           Case{Rate(7, minutes(1), 7), milliseconds(500), hours(2), 0.005},
           Case{Rate(1'000'000, seconds(1), 100), microseconds(50), seconds(1), 0.005},
           Case{Rate(10'000'000, seconds(1), 1000), microseconds(50), milliseconds(100), 0.02},
           Case{Rate(1, hours(24), 1), hours(1), hours(24 * 100), 0.005},
           Case{Rate(1, hours(24 * 366), 1), hours(24), hours(24 * 366 * 3), 0.005},
       }) {
    const Pace pace(one.rate, 1);
    const uint64_t key = kKey + one.rate.amount * 7919 + static_cast<uint64_t>(one.step.count());
    EXPECT_EQ(Passing(static_cast<int>(one.rate.burst) + 1, pace, key), one.rate.burst);
    const MonotonicTime end = now_ + one.during;
    int passed = 0;
    for (; now_ < end; now_ += one.step) {
      while (Take(pace, key).allowed) {
        ++passed;
      }
    }
    const double expected = static_cast<double>(one.during.count()) / one.rate.Interval();
    EXPECT_NEAR(passed, expected, expected * one.error + 1) << one.rate.amount;
  }
}

TEST_F(GcraTableTest, AClockThatIsBehindHurtsNobodyForLong) {
  const Pace pace(Rate(1000, seconds(1), 100), 1);
  // Two workers, one of which is up to 5 ms behind.
  std::minstd_rand random(1);
  int passed = Passing(1000, pace);
  EXPECT_EQ(passed, 100);
  for (int i = 0; i < 20'000; ++i) {
    const MonotonicTime real = now_ += microseconds(500);
    now_ -= microseconds(random() % 5000);
    passed += Take(pace).allowed ? 1 : 0;
    now_ = real;
  }
  EXPECT_NEAR(passed, 100 + 10'000, 20);
}

TEST_F(GcraTableTest, AnotherRateKeepsTheDebt) {
  const Pace free(Rate(10, seconds(1), 10), 1);
  const Pace gold(Rate(1000, seconds(1), 2000), 1);
  EXPECT_EQ(Passing(1000, gold), 1000);
  // 1000 requests are owed, which took a second to pay, and take 100 now.
  const LimitDecision refused = Take(free);
  EXPECT_FALSE(refused.allowed);
  EXPECT_NEAR(static_cast<double>(refused.retry_after.count()) / 1e9, 99, 12);
  now_ += seconds(50);
  EXPECT_FALSE(Take(free).allowed) << "it is paid at the new speed";
  // And back: about 500 are left.
  EXPECT_NEAR(Passing(3000, gold), 1500, 120);
}

TEST_F(GcraTableTest, ChangingToAndFroGainsNothing) {
  const Pace free(Rate(10, minutes(1), 10), 1);
  const Pace gold(Rate(1000, minutes(1), 1000), 1);
  int passed = 0;
  for (int i = 0; i < 10'000; ++i) {
    passed += Take(gold).allowed ? 1 : 0;
    passed += Take(free).allowed ? 1 : 0;
  }
  EXPECT_LE(passed, 1010);
}

TEST_F(GcraTableTest, KeysDontMeet) {
  const Pace pace(Rate(1, hours(1), 1), 1);
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(Take(pace, random()).allowed);
  }
  EXPECT_GE(table_.CountOwing(now_), 980) << "few have lost their slot";
  EXPECT_TRUE(Take(pace, 0).allowed) << "0 is a key as any";
  EXPECT_FALSE(Take(pace, 0).allowed);
}

TEST_F(GcraTableTest, PeekLeavesNoTrace) {
  const Pace pace(Rate(10, seconds(1), 2), 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(table_.Peek(kKey, pace, now_).remaining, 1);
  }
  EXPECT_EQ(Passing(3, pace), 2);
  EXPECT_EQ(table_.Peek(kKey, pace, now_).retry_after, milliseconds(100));
}

// Far more keys than there is room for. Who owes most keeps its slot; who loses it, its debt.
TEST_F(GcraTableTest, AFloodOfKeysFreesNobodyOfDebts) {
  const Pace pace(Rate(100, hours(1), 100), 1);
  std::mt19937_64 random(2);
  std::vector<uint64_t> deep(500);
  for (uint64_t& key : deep) {
    key = random();
    EXPECT_EQ(Passing(101, pace, key), 100);
  }
  bool evicted = false;
  for (int i = 0; i < 100'000; ++i) {
    const GcraTable::Outcome outcome = table_.Take(random(), pace, now_);
    EXPECT_TRUE(outcome.decision.allowed) << "a new key is nobody's debtor";
    evicted = evicted || outcome.evicted;
  }
  EXPECT_TRUE(evicted);
  for (const uint64_t key : deep) {
    EXPECT_FALSE(Take(pace, key).allowed);
  }
}

// More debtors than table and memory hold, all as deep as they can be.
TEST_F(GcraTableTest, NobodyComesBackWithAWholeBurst) {
  const Pace pace(Rate(100, hours(1), 100), 1);
  std::mt19937_64 random(3);
  std::vector<uint64_t> keys(50'000);
  for (uint64_t& key : keys) {
    key = random();
    EXPECT_TRUE(Take(pace, key).allowed) << "no new key is refused for others' debts";
    Passing(100, pace, key);
  }
  int passed = 0;
  for (const uint64_t key : keys) {
    passed += Passing(100, pace, key);
  }
  EXPECT_LT(passed, 2 * static_cast<int>(keys.size())) << "of 100 each that they would like";
}

// What the table forgets is only what the memory would have to hold beyond its size.
TEST_F(GcraTableTest, AsManyAsThereIsRoomForAreExact) {
  const Pace pace(Rate(1, hours(1), 1), 1);
  std::mt19937_64 random(4);
  std::vector<uint64_t> keys(1000);
  for (uint64_t& key : keys) {
    key = random();
    EXPECT_TRUE(Take(pace, key).allowed);
  }
  for (const uint64_t key : keys) {
    EXPECT_FALSE(Take(pace, key).allowed);
  }
  now_ += hours(2);
  for (const uint64_t key : keys) {
    EXPECT_TRUE(Take(pace, key).allowed);
  }
}

TEST(GcraTableThreadsTest, SeveralThreadsHaveOneRate) {
  constexpr int kThreads = 4;
  constexpr int kEach = 100'000;
  GcraTable table(16);
  const Pace pace(Rate(1000, seconds(1), 5000), 1);
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      int mine = 0;
      for (int i = 0; i < kEach; ++i) {  // A second goes by, for each of them.
        const MonotonicTime now(hours(1) + microseconds(10) * i);
        mine += table.Take(kKey, pace, now).decision.allowed ? 1 : 0;
      }
      passed += mine;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GE(passed, 5990);
  EXPECT_LE(passed, 6001);
}

TEST(GcraTableThreadsTest, NoRequestIsLost) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2'000'000;
  GcraTable table(16);
  const Pace pace(Rate(1000, hours(1), kEach), 1);
  std::latch start(kThreads);
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      int mine = 0;
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        mine += table.Take(kKey, pace, MonotonicTime(hours(1))).decision.allowed ? 1 : 0;
      }
      passed += mine;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(passed, kEach) << "of four times as many";
}

// Keys push each other out all the time: nothing tears, and nobody gets far more than its burst.
TEST(GcraTableThreadsTest, ThreadsThatFightForSlots) {
  constexpr int kThreads = 4;
  constexpr uint64_t kKeys = 64;
  constexpr uint64_t kBurst = 50;
  GcraTable table(16);  // 40 slots.
  const Pace pace(Rate(1, hours(1), kBurst), 1);
  std::vector<std::atomic<uint64_t>> passed(kKeys);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      for (int i = 0; i < 50'000; ++i) {
        const uint64_t key = random() % kKeys;
        const uint64_t hash = (key + 1) * 0x9e3779b97f4a7c15;
        passed[key] += table.Take(hash, pace, MonotonicTime(hours(1))).decision.allowed ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  uint64_t total = 0;
  for (const auto& count : passed) {
    total += count;
  }
  EXPECT_GE(total, kKeys);
  EXPECT_LE(total, 2 * kKeys * kBurst) << "of 200,000 that were asked for";
}

TEST(DebtMemoryTest, RemembersUntilItIsPaid) {
  DebtMemory memory(64);
  EXPECT_EQ(memory.Recall(7, 100, 10), 0);
  memory.Remember(7, 10'000'000, 100);
  EXPECT_GE(memory.Recall(7, 100, 10), 10'000'000);
  EXPECT_LE(memory.Recall(7, 100, 10), 10'000'000 + 65'536);
  EXPECT_EQ(memory.Recall(8, 100, 10), 0) << "somebody else";
  EXPECT_EQ(memory.Recall(7, 20'000'000, 10), 0) << "paid";
}

TEST(DebtMemoryTest, WhatIsForgottenCountsForAnybodyAndRefusesNobody) {
  DebtMemory memory(64);
  constexpr uint64_t kNow = 1'000'000;
  constexpr uint64_t kMost = 3'000'000;
  std::mt19937_64 random(1);
  std::vector<uint64_t> keys(1000);
  for (uint64_t& key : keys) {
    key = random();
    memory.Remember(key, 50'000'000, kNow);
  }
  for (const uint64_t key : keys) {
    EXPECT_GE(memory.Recall(key, kNow, kMost), kNow + kMost);
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LE(memory.Recall(random(), kNow, kMost), kNow + kMost);
  }
}

}  // namespace
}  // namespace gatehouse::filters
