// SPDX-License-Identifier: Apache-2.0
// What is asked of Redis and what its answers mean. The script itself runs in
// test/proxy/redis/redis_script_test.cc, inside a real one.
#include "source/filters/traffic/redis_limiter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "test/pipeline/no_services.h"

namespace gatehouse::filters {
namespace {

using pipeline::RedisValue;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class OneRedis final : public pipeline::NoServices {
 public:
  std::unique_ptr<pipeline::Pending> RunScript(
      const pipeline::RedisServer&, const pipeline::RedisScript& script,
      std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
      std::function<void(Result<RedisValue>)> done) override {
    digest = script.digest;
    asked_keys.assign(keys.begin(), keys.end());
    asked.assign(arguments.begin(), arguments.end());
    answer = std::move(done);
    return nullptr;
  }
  std::string digest;
  std::vector<std::string> asked_keys;
  std::vector<std::string> asked;
  std::function<void(Result<RedisValue>)> answer;
};

class RedisLimiterTest : public testing::Test {
 protected:
  void Ask(const LimitRate& rate, uint64_t cost = 1, std::string_view key = "k") {
    limiter_->Ask(redis_, key, rate, cost, [this](Result<LimitDecision> decision) {
      decision_ = decision ? std::optional(*decision) : std::nullopt;
      error_ = decision ? "" : decision.error().message;
    });
  }
  void Answer(const std::vector<int64_t>& numbers) {
    std::vector<RedisValue> values;
    for (const int64_t number : numbers) {
      values.push_back({RedisValue::Kind::kInteger, number});
    }
    redis_.answer(RedisValue{RedisValue::Kind::kArray, 0, {}, values});
  }

  std::optional<RedisLimiter> limiter_{std::in_place, pipeline::RedisServer{.host = "h"}, "p:"};
  OneRedis redis_;
  std::optional<LimitDecision> decision_;
  std::string error_;
};

TEST_F(RedisLimiterTest, KeysAreBoundedAndSayNothing) {
  EXPECT_EQ(limiter_->RedisKey(""), "p:e3b0c44298fc1c149afbf4c8996fb92427ae41e4");
  EXPECT_EQ(limiter_->RedisKey(std::string(65536, 'x')).size(), 42U);
  Ask({}, 1, "");
  EXPECT_EQ(redis_.asked_keys, (std::vector<std::string>{limiter_->RedisKey("")}));
  EXPECT_EQ(redis_.digest.size(), 40U);
}

TEST_F(RedisLimiterTest, ArgumentsAreMicrosecondsAndTheirMillionths) {
  Ask({100, seconds(1), 5}, 2);
  EXPECT_EQ(redis_.asked, (std::vector<std::string>{"20000", "0", "50000", "0", "50000"}));
  Ask({3, seconds(1), 3});
  EXPECT_EQ(redis_.asked,
            (std::vector<std::string>{"333333", "333333", "999999", "999999", "1000000"}));
  Ask({10'000'000, seconds(1), 1});
  EXPECT_EQ(redis_.asked, (std::vector<std::string>{"0", "100000", "0", "100000", "1"}));
}

TEST_F(RedisLimiterTest, ExtremesStayWithinACentury) {
  Ask({1, hours(24 * 365 * 200), 1000}, 1000);
  EXPECT_EQ(redis_.asked[0], "3153600000000000");
  Ask({1, Duration::max(), UINT64_MAX}, UINT64_MAX);
  EXPECT_EQ(redis_.asked[2], "3153600000000000");
  Ask({UINT64_MAX, nanoseconds(1), 1});
  EXPECT_EQ(redis_.asked, (std::vector<std::string>{"0", "1", "0", "1", "1"}));
  Ask({1, Duration::max(), 1}, 2);
  EXPECT_GT(redis_.asked[0], redis_.asked[2]) << "more than the burst is always too much";
}

TEST_F(RedisLimiterTest, Allowed) {
  Ask({100, seconds(1), 5});
  Answer({1, 30000, 0});
  ASSERT_TRUE(decision_) << error_;
  EXPECT_TRUE(decision_->allowed);
  EXPECT_EQ(decision_->remaining, 2U);
  EXPECT_EQ(decision_->retry_after, Duration(0));
  EXPECT_EQ(decision_->reset, milliseconds(30));
  Ask({100, seconds(1), 5});
  Answer({1, 30000, 1});
  EXPECT_EQ(decision_->remaining, 1U) << "a millionth of a microsecond short of two";
  EXPECT_EQ(decision_->reset, milliseconds(30) + nanoseconds(1));
}

TEST_F(RedisLimiterTest, Refused) {
  Ask({100, seconds(1), 5});
  Answer({0, 47000, 0});
  ASSERT_TRUE(decision_) << error_;
  EXPECT_FALSE(decision_->allowed);
  EXPECT_EQ(decision_->remaining, 0U);
  EXPECT_EQ(decision_->retry_after, milliseconds(7));
  EXPECT_EQ(decision_->reset, milliseconds(47));
}

TEST_F(RedisLimiterTest, WhatIsOwedAtALongerRate) {
  limiter_.emplace(pipeline::RedisServer{.host = "h"}, "p:", seconds(2));
  Ask({100, seconds(1), 5});
  EXPECT_EQ(redis_.asked[4], "2000001");
  Answer({0, 2'000'000, 0});
  ASSERT_TRUE(decision_) << error_;
  EXPECT_EQ(decision_->remaining, 0U);
  EXPECT_EQ(decision_->retry_after, milliseconds(1960));
  Answer({0, 2'000'002, 0});
  EXPECT_FALSE(decision_);
}

TEST_F(RedisLimiterTest, AnswersOfSomethingElse) {
  const std::vector<std::vector<int64_t>> wrong = {
      {},         {1},           {1, 0, 0, 0},
      {2, 0, 0},  {-1, 0, 0},    {1, -5, 0},
      {1, 0, -1}, {1, 50001, 0}, {1, INT64_MAX, INT64_MAX},
      {0, 0, 0}};
  for (const auto& numbers : wrong) {
    Ask({100, seconds(1), 5});
    decision_.reset();
    error_.clear();
    Answer(numbers);
    EXPECT_FALSE(decision_) << testing::PrintToString(numbers);
    EXPECT_NE(error_, "");
  }
  redis_.answer(RedisValue{RedisValue::Kind::kNil});
  EXPECT_FALSE(decision_);
  redis_.answer(RedisValue{RedisValue::Kind::kText, 0, "1"});
  EXPECT_FALSE(decision_);
  redis_.answer(Fail(ErrorCode::kIo, ErrorSource::kUpstream, "away"));
  EXPECT_EQ(error_, "away");
}

}  // namespace
}  // namespace gatehouse::filters
