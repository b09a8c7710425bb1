// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/in_flight_table.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace gatehouse::filters {
namespace {

constexpr uint64_t kKey = 0x123456789abcdef0;

TEST(InFlightTableTest, AsManyAsMayBe) {
  InFlightTable table(100);
  std::vector<InFlightTable::Permit> permits;
  for (uint64_t i = 1; i <= 3; ++i) {
    const InFlightTable::Outcome outcome = table.Enter(kKey, 3);
    EXPECT_TRUE(outcome.allowed);
    EXPECT_EQ(outcome.count, i);
    permits.push_back(outcome.permit);
  }
  const InFlightTable::Outcome refused = table.Enter(kKey, 3);
  EXPECT_FALSE(refused.allowed);
  EXPECT_FALSE(refused.permit.holds());
  EXPECT_EQ(table.Count(kKey), 3);
  EXPECT_TRUE(table.Enter(kKey + (uint64_t{1} << 63), 3).allowed) << "another key";
  EXPECT_TRUE(table.Enter(kKey, 4).allowed) << "another limit";
  InFlightTable::Leave(permits.back());
  InFlightTable::Leave(permits.front());
  EXPECT_TRUE(table.Enter(kKey, 3).allowed);
  EXPECT_FALSE(table.Enter(kKey, 3).allowed);
}

TEST(InFlightTableTest, ASlotIsFreeAgain) {
  InFlightTable table(1);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const InFlightTable::Outcome outcome = table.Enter(random(), 1);
    ASSERT_TRUE(outcome.permit.holds());
    InFlightTable::Leave(outcome.permit);
  }
  EXPECT_EQ(table.CountAll().keys, 0);
  InFlightTable::Leave({});
}

TEST(InFlightTableTest, WhoFindsNoRoomPassesUncounted) {
  InFlightTable table(1);
  std::mt19937_64 random(1);
  std::vector<uint64_t> keys(100);
  std::vector<InFlightTable::Permit> permits;
  for (uint64_t& key : keys) {
    key = random();
    const InFlightTable::Outcome outcome = table.Enter(key, 1);
    EXPECT_TRUE(outcome.allowed);
    if (outcome.permit.holds()) {
      permits.push_back(outcome.permit);
    }
  }
  EXPECT_EQ(permits.size(), table.CountAll().requests);
  EXPECT_LT(permits.size(), 20);
  EXPECT_GE(permits.size(), 8);
}

// One key, and others that come and go in its set.
TEST(InFlightTableThreadsTest, NeverMoreThanMayBe) {
  constexpr int kThreads = 4;
  constexpr uint64_t kMax = 2;
  InFlightTable table(1);
  std::atomic<uint64_t> inside{0};
  std::atomic<uint64_t> most{0};
  std::atomic<uint64_t> entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      for (int i = 0; i < 50'000; ++i) {
        const InFlightTable::Outcome other = table.Enter(1 + random() % 5, 10);
        const InFlightTable::Outcome outcome = table.Enter(kKey, kMax);
        if (outcome.permit.holds()) {
          const uint64_t now = ++inside;
          uint64_t seen = most;
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
          ++entered;
          --inside;
        }
        InFlightTable::Leave(outcome.permit);
        InFlightTable::Leave(other.permit);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GT(entered, 1000);
  EXPECT_LE(most, kMax);
  EXPECT_EQ(table.CountAll().requests, 0) << "each has left once";
}

}  // namespace
}  // namespace gatehouse::filters
