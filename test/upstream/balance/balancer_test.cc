// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/balance/balancer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gatehouse::upstream {
namespace {

std::shared_ptr<const EndpointSet> Set(
    const std::vector<std::pair<uint32_t, LabelSet>>& weights_and_labels) {
  auto set = std::make_shared<EndpointSet>();
  for (const auto& [weight, labels] : weights_and_labels) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->slot = set->slots++;
    endpoint->name = std::string(1, static_cast<char>('a' + endpoint->slot));
    endpoint->weight = weight;
    endpoint->labels = labels;
    set->endpoints.push_back(std::move(endpoint));
  }
  return set;
}

class BalancerTest : public testing::Test {
 protected:
  std::string Pick(Balancer& balancer, const LabelSet& labels = {},
                   std::vector<uint32_t> tried = {}) {
    const auto endpoint = balancer.Pick(labels, tried, loads_, now_);
    return endpoint == nullptr ? "none" : endpoint->name;
  }
  std::map<std::string, int> Count(Balancer& balancer, int picks, const LabelSet& labels = {}) {
    std::map<std::string, int> out;
    for (int i = 0; i < picks; ++i) {
      ++out[Pick(balancer, labels)];
    }
    return out;
  }

  std::vector<SlotLoad> loads_{4};
  MonotonicTime now_{std::chrono::seconds(100)};
};

TEST_F(BalancerTest, RoundRobinKeepsTheWeightsExactly) {
  Balancer balancer(BalancePolicy::kRoundRobin);
  balancer.Use(Set({{3, {}}, {1, {}}, {0, {}}}));
  EXPECT_EQ(Count(balancer, 400), (std::map<std::string, int>{{"a", 300}, {"b", 100}}));
}

TEST_F(BalancerTest, LabelsNarrowTheChoice) {
  Balancer balancer(BalancePolicy::kRoundRobin);
  const LabelSet v2{{"version", "v2"}};
  balancer.Use(Set({{1, {{"version", "v1"}}}, {1, v2}, {2, {{"version", "v2"}, {"zone", "a"}}}}));
  EXPECT_EQ(Count(balancer, 30, v2), (std::map<std::string, int>{{"b", 10}, {"c", 20}}));
  EXPECT_EQ(Pick(balancer, {{"version", "v3"}}), "none");
}

TEST_F(BalancerTest, WhatWasTriedIsNotPickedAgain) {
  Balancer balancer(BalancePolicy::kRoundRobin);
  balancer.Use(Set({{1, {}}, {1, {}}}));
  EXPECT_EQ(Pick(balancer, {}, {0}), "b");
  EXPECT_EQ(Pick(balancer, {}, {0, 1}), "none");
}

TEST_F(BalancerTest, AnEndpointThatFailedIsPassedOverWhileOthersCanServe) {
  Balancer balancer(BalancePolicy::kRoundRobin);
  balancer.Use(Set({{1, {}}, {1, {}}}));
  loads_[0].avoid_until = now_ + std::chrono::seconds(1);
  EXPECT_EQ(Count(balancer, 10), (std::map<std::string, int>{{"b", 10}}));
  EXPECT_EQ(Pick(balancer, {}, {1}), "a");  // Better than none.
  now_ += std::chrono::seconds(2);
  EXPECT_EQ(Count(balancer, 10), (std::map<std::string, int>{{"a", 5}, {"b", 5}}));
}

TEST_F(BalancerTest, LeastRequestPrefersTheLessLoaded) {
  Balancer balancer(BalancePolicy::kLeastRequest);
  balancer.Use(Set({{1, {}}, {1, {}}}));
  loads_[0].in_flight = 5;
  const auto counts = Count(balancer, 1000);
  EXPECT_GE(counts.at("b"), 950);
}

TEST_F(BalancerTest, MoreSubsetsThanAreRememberedStillWork) {
  Balancer balancer(BalancePolicy::kRoundRobin);
  balancer.Use(Set({{1, {{"version", "v1"}}}}));
  for (size_t i = 0; i < 2 * Balancer::kMaxSubsets; ++i) {
    EXPECT_EQ(Pick(balancer, {{"version", "x" + std::to_string(i)}}), "none");
  }
  EXPECT_EQ(Pick(balancer, {{"version", "v1"}}), "a");
}

}  // namespace
}  // namespace gatehouse::upstream
