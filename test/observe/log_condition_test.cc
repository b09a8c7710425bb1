// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_condition.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

#include "test/observe/stream_facts.h"

namespace gatehouse::observe {
namespace {

bool Wants(LogCondition condition, const StreamFacts& facts = {}) {
  SampleRandom random(1);
  return LogConditions({std::move(condition)}).Want(facts.info, random);
}

std::bitset<LogCondition::kStatuses> Statuses(std::string_view text) {
  std::bitset<LogCondition::kStatuses> out;
  EXPECT_TRUE(AddStatuses(text, out)) << text;
  return out;
}

TEST(LogConditionTest, NoneAtAllWantsAll) {
  SampleRandom random(1);
  EXPECT_TRUE(LogConditions().Want(StreamFacts().info, random));
  EXPECT_TRUE(Wants({}));
}

TEST(LogConditionTest, Statuses) {
  EXPECT_EQ(Statuses("404").count(), 1u);
  EXPECT_EQ(Statuses("5xx").count(), 100u);
  EXPECT_EQ(Statuses("4XX").count(), 100u);
  EXPECT_EQ(Statuses("400-499").count(), 100u);
  EXPECT_TRUE(Statuses("0").test(0));
  for (const char* text : {"", "abc", "6xx", "0xx", "40", "600", "99", "500-400", "400-", "-400",
                           "xxx", "5x", "400-499-500", " 404", "+404"}) {
    std::bitset<LogCondition::kStatuses> out;
    EXPECT_FALSE(AddStatuses(text, out)) << text;
    EXPECT_TRUE(out.none()) << text;
  }
  EXPECT_TRUE(Wants({.status = Statuses("200-204")}));
  EXPECT_FALSE(Wants({.status = Statuses("5xx")}));
  StreamFacts odd;
  odd.info.status = 999;
  EXPECT_FALSE(Wants({.status = Statuses("5xx")}, odd));
}

TEST(LogConditionTest, EachPart) {
  const auto of = std::chrono::microseconds(12345);
  EXPECT_TRUE(Wants({.min_duration = of}));
  EXPECT_FALSE(Wants({.min_duration = of + Duration(1)}));
  EXPECT_TRUE(Wants({.routes = {"orders", "users"}}));
  EXPECT_FALSE(Wants({.routes = {"orders"}}));
  EXPECT_TRUE(Wants({.listeners = {"web"}}));
  EXPECT_FALSE(Wants({.listeners = {"websecure"}}));
  EXPECT_TRUE(Wants({.methods = {"GET"}}));
  EXPECT_FALSE(Wants({.methods = {"POST"}}));
}

TEST(LogConditionTest, AllPartsMustHold) {
  EXPECT_TRUE(Wants({.routes = {"users"}, .methods = {"GET"}}));
  EXPECT_FALSE(Wants({.routes = {"users"}, .methods = {"POST"}}));
  EXPECT_FALSE(Wants({.status = Statuses("5xx"), .routes = {"users"}}));
}

TEST(LogConditionTest, Errors) {
  StreamFacts facts;
  EXPECT_FALSE(Wants({.errors = true}, facts));
  EXPECT_TRUE(Wants({.errors = false}, facts));
  facts.info.status = 500;
  EXPECT_TRUE(Wants({.errors = true}, facts));
  facts.info.status = 403;
  EXPECT_FALSE(Wants({.errors = true}, facts));
  facts.info.error = ErrorCode::kDenied;
  EXPECT_TRUE(Wants({.errors = true}, facts));
  facts = {};
  facts.info.complete = false;
  EXPECT_TRUE(Wants({.errors = true}, facts));
}

TEST(LogConditionTest, AnyOfSeveralAndNoneOfOthers) {
  SampleRandom random(1);
  StreamFacts facts;
  const LogConditions any({{.status = Statuses("5xx")}, {.routes = {"users"}}});
  EXPECT_TRUE(any.Want(facts.info, random));
  facts.info.route = "orders";
  EXPECT_FALSE(any.Want(facts.info, random));
  facts.info.status = 503;
  EXPECT_TRUE(any.Want(facts.info, random));
  LogCondition not_users;
  not_users.none_of = {{.routes = {"users"}}, {.methods = {"HEAD"}}};
  EXPECT_TRUE(Wants(not_users, facts));
  facts.info.method = "HEAD";
  EXPECT_FALSE(Wants(not_users, facts));
}

TEST(LogConditionTest, SamplesItsShare) {
  constexpr int kStreams = 100'000;
  const StreamFacts facts;
  for (const double share : {0.0, 0.01, 0.5}) {
    LogCondition condition;
    condition.sample = static_cast<uint64_t>(std::ldexp(share, 64));
    const LogConditions conditions({condition});
    SampleRandom random(7);
    int wanted = 0;
    for (int i = 0; i < kStreams; ++i) {
      wanted += conditions.Want(facts.info, random);
    }
    // Six standard deviations.
    const double spread = 6 * std::sqrt(share * (1 - share) * kStreams);
    EXPECT_NEAR(wanted, share * kStreams, spread);
  }
}

}  // namespace
}  // namespace gatehouse::observe
