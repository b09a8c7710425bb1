// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/endpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace gatehouse::upstream {
namespace {

std::map<uint32_t, size_t> Count(const std::vector<uint32_t>& schedule) {
  std::map<uint32_t, size_t> out;
  for (const uint32_t index : schedule) {
    ++out[index];
  }
  return out;
}

TEST(Carries, AllOfTheWantedLabels) {
  Endpoint endpoint;
  endpoint.labels = {{"version", "v2"}, {"zone", "a"}};
  EXPECT_TRUE(Carries(endpoint, {}));
  EXPECT_TRUE(Carries(endpoint, {{"zone", "a"}}));
  EXPECT_TRUE(Carries(endpoint, {{"version", "v2"}, {"zone", "a"}}));
  EXPECT_FALSE(Carries(endpoint, {{"version", "v1"}}));
  EXPECT_FALSE(Carries(endpoint, {{"version", "v1"}, {"zone", "a"}}));
  EXPECT_FALSE(Carries(endpoint, {{"tenant", "x"}, {"version", "v2"}, {"zone", "a"}}));
  EXPECT_FALSE(Carries({}, {{"zone", "a"}}));
  EXPECT_FALSE(Carries(endpoint, {{"zone", ""}}));
}

TEST(WeightedSchedule, IsSmooth) {
  using Order = std::vector<uint32_t>;
  EXPECT_EQ(WeightedSchedule({5, 1, 1}), (Order{0, 0, 1, 0, 2, 0, 0}));  // As nginx does.
  EXPECT_EQ(WeightedSchedule({1, 1, 1}), (Order{0, 1, 2}));
  EXPECT_EQ(WeightedSchedule({3, 1}), (Order{0, 0, 1, 0}));
  EXPECT_EQ(WeightedSchedule({7}), (Order{0}));
  EXPECT_EQ(WeightedSchedule({}), Order{});
}

TEST(WeightedSchedule, ReducesByTheCommonDivisor) {
  EXPECT_EQ(WeightedSchedule({4000, 2000}).size(), 3u);
  EXPECT_EQ(WeightedSchedule({100, 100, 100}).size(), 3u);
}

TEST(WeightedSchedule, LeavesWeightZeroOut) {
  EXPECT_EQ(WeightedSchedule({0, 2, 0, 2}), (std::vector<uint32_t>{1, 3}));
  EXPECT_TRUE(WeightedSchedule({0, 0}).empty());
}

TEST(WeightedSchedule, RoundsWhatWouldBeTooLong) {
  const auto schedule = WeightedSchedule({65535, 32768, 1});
  EXPECT_LE(schedule.size(), 4096u);
  EXPECT_GT(schedule.size(), 4000u);
  auto count = Count(schedule);
  EXPECT_NEAR(static_cast<double>(count[0]) / static_cast<double>(count[1]), 2.0, 0.01);
  EXPECT_EQ(count[2], 1u);  // Rare, never gone.
}

TEST(WeightedSchedule, KeepsRatiosAmongManyEndpoints) {
  std::vector<uint32_t> weights(5000, 1009);
  for (size_t i = 0; i < weights.size(); i += 2) {
    weights[i] = 3001;
  }
  const auto schedule = WeightedSchedule(weights);
  EXPECT_LE(schedule.size(), 4 * weights.size());
  auto count = Count(schedule);
  EXPECT_EQ(count.size(), weights.size());
  EXPECT_GE(count[0], 2 * count[1]);
}

// Wherever one starts, after n steps nobody is further than a step or two from its share.
TEST(WeightedSchedule, SpreadsOutEvenly) {
  const std::vector<uint32_t> weights = {10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 7, 3};
  const auto schedule = WeightedSchedule(weights);
  ASSERT_EQ(schedule.size(), 30u);
  std::vector<int> seen(weights.size());
  for (size_t step = 1; step <= schedule.size(); ++step) {
    ++seen[schedule[step - 1]];
    for (size_t i = 0; i < weights.size(); ++i) {
      const double share = static_cast<double>(weights[i] * step) / 30.0;
      EXPECT_LT(std::abs(seen[i] - share), 1.5) << "endpoint " << i << " after " << step;
    }
  }
}

}  // namespace
}  // namespace gatehouse::upstream
