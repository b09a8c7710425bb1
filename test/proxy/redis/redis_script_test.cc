// SPDX-License-Identifier: Apache-2.0
// The limit's script inside a real Redis, asked through the client.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "source/base/digest.h"
#include "source/filters/traffic/redis_limiter.h"
#include "test/pipeline/no_services.h"
#include "test/proxy/redis/real_redis.h"
#include "test/proxy/redis/redis_test_base.h"

namespace gatehouse::redis {
namespace {

using filters::LimitDecision;
using filters::LimitRate;
using filters::RedisLimiter;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientServices final : public pipeline::NoServices {
 public:
  explicit ClientServices(Clients& clients) : clients_(clients) {}
  std::unique_ptr<pipeline::Pending> RunScript(
      const pipeline::RedisServer& server, const pipeline::RedisScript& script,
      std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
      std::function<void(Result<pipeline::RedisValue>)> done) override {
    return clients_.RunScript(server, script, keys, arguments, std::move(done));
  }

 private:
  Clients& clients_;
};

class RedisScriptTest : public RedisTest {
 protected:
  void SetUp() override {
    server_ =
        pipeline::RedisServer{.host = "", .unix_path = redis_.path(), .timeout = milliseconds(500)};
    Limit();
    const auto limit = MonotonicNow() + seconds(20);
    while (!Ask({}, 0) && MonotonicNow() < limit) {
      wait_.RunFor(milliseconds(10));
    }
  }
  void Limit() { limiter_.emplace(server_, "test:"); }
  std::optional<LimitDecision> Ask(const LimitRate& rate, uint64_t cost = 1,
                                   const std::string& key = "k") {
    std::optional<LimitDecision> out;
    const auto pending = limiter_->Ask(services_, key, rate, cost, [&](auto decision) {
      error_ = decision ? "" : decision.error().message;
      out = decision ? std::optional(*decision) : std::nullopt;
      wait_.Done();
    });
    EXPECT_TRUE(wait_.Run());
    return out;
  }
  // What another script says of the key.
  std::string Run(const std::string& script, const std::vector<std::string_view>& arguments = {}) {
    const pipeline::RedisScript& other =
        scripts_.emplace_back(pipeline::RedisScript{script, Sha1Hex(script)});
    const std::string key = limiter_->RedisKey("k");
    const std::string_view keys[] = {key};
    std::string out;
    const auto pending = clients_->RunScript(server_, other, keys, arguments, [&](auto value) {
      out = value ? Text(*value) : value.error().message;
      wait_.Done();
    });
    EXPECT_TRUE(wait_.Run());
    return out;
  }

  RealRedis redis_;
  ClientServices services_{*clients_};
  std::optional<RedisLimiter> limiter_;
  std::deque<pipeline::RedisScript> scripts_;
  std::string error_;
};

TEST_F(RedisScriptTest, ABurstThenOneByOne) {
  const LimitRate rate{1, hours(1), 3};
  for (uint64_t left : {2U, 1U, 0U}) {
    const auto decision = Ask(rate);
    ASSERT_TRUE(decision) << error_;
    EXPECT_TRUE(decision->allowed);
    EXPECT_EQ(decision->remaining, left);
  }
  const auto refused = Ask(rate);
  ASSERT_TRUE(refused) << error_;
  EXPECT_FALSE(refused->allowed);
  EXPECT_GT(refused->retry_after, hours(1) - seconds(20));
  EXPECT_LE(refused->retry_after, hours(1));
  EXPECT_GT(refused->reset, hours(3) - seconds(20));
  EXPECT_TRUE(Ask(rate, 1, "other")->allowed);
}

TEST_F(RedisScriptTest, TheRateIsTheRate) {
  const LimitRate rate{1000, seconds(1), 20};
  const MonotonicTime began = MonotonicNow();
  uint64_t allowed = 0;
  while (MonotonicNow() - began < milliseconds(500)) {
    const auto decision = Ask(rate);
    ASSERT_TRUE(decision) << error_;
    allowed += decision->allowed ? 1 : 0;
  }
  const auto spent = std::chrono::duration<double>(MonotonicNow() - began).count();
  EXPECT_NEAR(static_cast<double>(allowed), 20 + 1000 * spent, 0.02 * (20 + 1000 * spent));
}

// 0.25 microseconds, a double's grain in times of today, are much at 3,000,000/s.
TEST_F(RedisScriptTest, PartsOfAMicrosecondAreKept) {
  const auto decision = Ask({3, seconds(1), 3});
  ASSERT_TRUE(decision) << error_;
  EXPECT_EQ(decision->reset, std::chrono::nanoseconds(333'333'334)) << "rounded up";
  EXPECT_TRUE(Run("return redis.call('GET', KEYS[1])").ends_with("333333"));
  EXPECT_TRUE(Ask({3'000'000, seconds(1), 3'000'000}, 2'000'000, "x")->allowed);
  EXPECT_LE(Ask({3'000'000, seconds(1), 3'000'000}, 1'000'000, "x")->reset, seconds(1));
}

TEST_F(RedisScriptTest, CostsAndLooks) {
  const LimitRate rate{1, hours(1), 10};
  EXPECT_EQ(Ask(rate, 7)->remaining, 3U);
  EXPECT_FALSE(Ask(rate, 4)->allowed);
  EXPECT_EQ(Ask(rate, 0)->remaining, 3U) << "what was refused took nothing";
  EXPECT_TRUE(Ask(rate, 3)->allowed);
  EXPECT_TRUE(Ask(rate, 0)->allowed);
  EXPECT_FALSE(Ask(rate, 11)->allowed);
  EXPECT_FALSE(Ask({1, Duration::max(), UINT64_MAX}, UINT64_MAX, "x")->allowed &&
               Ask({1, Duration::max(), 1}, 2, "y")->allowed);
}

TEST_F(RedisScriptTest, KeysVanishWhenTheyOweNothing) {
  const LimitRate rate{10, seconds(1), 5};
  EXPECT_EQ(Run("return redis.call('EXISTS', KEYS[1])"), "0") << "a look writes nothing";
  ASSERT_TRUE(Ask(rate)->allowed);
  const std::string left = Run("return redis.call('PTTL', KEYS[1])");
  EXPECT_GT(std::stoi(left), 0) << left;
  EXPECT_LE(std::stoi(left), 101) << left;
  wait_.RunFor(milliseconds(150));
  EXPECT_EQ(Run("return redis.call('EXISTS', KEYS[1])"), "0");
}

TEST_F(RedisScriptTest, RefusedRequestsWriteNothing) {
  const LimitRate rate{1, hours(1), 1};
  Ask(rate);
  const std::string before = Run("return redis.call('GET', KEYS[1])");
  EXPECT_EQ(before.size(), 22U) << before;
  EXPECT_FALSE(Ask(rate)->allowed);
  EXPECT_EQ(Run("return redis.call('GET', KEYS[1])"), before);
}

TEST_F(RedisScriptTest, NobodyOwesMoreThanTheBurstAfterTheClockWasSetBack) {
  Run("redis.call('SET', KEYS[1], '1900000000000000000000000')");
  const LimitRate rate{10, seconds(1), 5};
  const auto refused = Ask(rate);
  ASSERT_TRUE(refused) << error_;
  EXPECT_FALSE(refused->allowed);
  EXPECT_EQ(refused->reset, milliseconds(500));
  EXPECT_EQ(refused->retry_after, milliseconds(100));
  wait_.RunFor(refused->retry_after + milliseconds(1));
  EXPECT_TRUE(Ask(rate)->allowed) << "as it was told";
}

TEST_F(RedisScriptTest, NobodyOwesMoreThanTheBurstAfterTheRateWasRaised) {
  const LimitRate slow{10, hours(1), 10};
  EXPECT_TRUE(Ask(slow, 10)->allowed);
  const LimitRate fast{1000, seconds(1), 200};
  const auto refused = Ask(fast, 50);
  ASSERT_TRUE(refused) << error_;
  EXPECT_FALSE(refused->allowed);
  EXPECT_EQ(refused->retry_after, milliseconds(50));
  wait_.RunFor(refused->retry_after + milliseconds(1));
  EXPECT_TRUE(Ask(fast, 50)->allowed) << "as it was told";
}

// A plan of its own may let one of those who share an address owe for longer.
TEST_F(RedisScriptTest, ButNobodyIsForgivenByAskingAtAnotherRate) {
  limiter_.emplace(server_, "test:", seconds(20));
  const LimitRate gold{100, seconds(1), 2000};
  EXPECT_TRUE(Ask(gold, 2000)->allowed);
  const auto refused = Ask({10, seconds(1), 10});
  ASSERT_TRUE(refused) << error_;
  EXPECT_FALSE(refused->allowed);
  EXPECT_EQ(refused->remaining, 0U);
  EXPECT_GT(refused->retry_after, seconds(9));
  EXPECT_FALSE(Ask(gold, 1000)->allowed);
}

TEST_F(RedisScriptTest, WhatSomebodyElseWroteThere) {
  for (const char* text : {"", "x", "123456", "-1", "nan000000", "inf-00001", "0x10:::::::"}) {
    Run("redis.call('SET', KEYS[1], ARGV[1])", {text});
    const auto decision = Ask({10, seconds(1), 5});
    ASSERT_TRUE(decision) << text << ": " << error_;
    EXPECT_TRUE(decision->allowed) << text;
    EXPECT_EQ(decision->remaining, 4U) << text;
  }
  Run("redis.call('DEL', KEYS[1]) redis.call('LPUSH', KEYS[1], 'x')");
  EXPECT_FALSE(Ask({10, seconds(1), 5}));
  EXPECT_NE(error_.find("WRONGTYPE"), std::string::npos) << error_;
}

TEST_F(RedisScriptTest, StoppedAndContinued) {
  ASSERT_TRUE(Ask({}, 0));
  redis_.Signal(SIGSTOP);
  EXPECT_FALSE(Ask({}, 0));
  EXPECT_NE(error_.find("does not answer within 500ms"), std::string::npos) << error_;
  EXPECT_FALSE(Ask({}, 0));
  EXPECT_NE(error_.find("is away"), std::string::npos) << error_;
  redis_.Signal(SIGCONT);
  const auto limit = MonotonicNow() + seconds(20);
  while (!Ask({}, 0) && MonotonicNow() < limit) {
    wait_.RunFor(milliseconds(10));
  }
  EXPECT_EQ(error_, "");
}

}  // namespace
}  // namespace gatehouse::redis
