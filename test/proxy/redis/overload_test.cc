// SPDX-License-Identifier: Apache-2.0
// A Redis that answers all the time, but more slowly than it is asked.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "source/proxy/redis/call_window.h"
#include "test/proxy/redis/redis_test_base.h"

namespace gatehouse::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Does something every 20 ms.
class Ticker final : private event::Deadline {
 public:
  Ticker(event::Loop& loop, std::function<void()> act) : loop_(loop), act_(std::move(act)) {
    loop_.deadlines().ArmAfter(*this, milliseconds(20));
  }

 private:
  void OnDeadline() override {
    loop_.deadlines().ArmAfter(*this, milliseconds(20));
    act_();
  }
  event::Loop& loop_;
  const std::function<void()> act_;
};

// One answer each 5 ms, in order; what a connection asked is forgotten with it.
class OverloadTest : public RedisTest {
 protected:
  static constexpr Duration kEach = milliseconds(5);

  void SetUp() override {
    Start([this](const Command& command) -> std::string {
      Forget();
      if (command[0] != "EVALSHA") {
        return command[0] == "PING" ? "+PONG\r\n" : "+OK\r\n";
      }
      free_at_ = waiting_++ == 0 ? MonotonicNow() + kEach : free_at_;
      return "";
    });
    server_.timeout = milliseconds(200);
    worker_ = std::make_unique<Ticker>(loop_, [this] { Work(); });
  }

  void Forget() {
    if (connection_ != fake_->connections()) {
      connection_ = fake_->connections();
      waiting_ = 0;
    }
  }
  void Work() {
    Forget();
    std::string said;
    for (; waiting_ > 0 && free_at_ <= MonotonicNow(); free_at_ += kEach, --waiting_) {
      said += ":1\r\n";
    }
    if (fake_->connected() && !said.empty()) {
      fake_->Mumble(said);
    }
  }
  void AskMany(int count) {
    for (int i = 0; i < count; ++i) {
      ++asked_;
      pending_.push_back(clients_->RunScript(
          server_, script_, {}, {}, [this](auto value) { ++(value ? decided_ : failed_); }));
    }
  }

  std::unique_ptr<Ticker> worker_;
  int connection_ = 0;
  int waiting_ = 0;
  MonotonicTime free_at_;
  int asked_ = 0;
  int decided_ = 0;
  int failed_ = 0;
};

TEST_F(OverloadTest, UnderSteadyOverloadItDecidesWhatItCan) {
  AskMany(300);
  Ticker demand(loop_, [this] { AskMany(20); });  // 1,000/s; it can do 200/s.
  wait_.RunFor(seconds(1));
  const int before = std::exchange(decided_, 0);
  const MonotonicTime began = MonotonicNow();
  wait_.RunFor(seconds(2));
  const double could = std::chrono::duration<double>(MonotonicNow() - began) / kEach;
  EXPECT_GT(decided_, 0.7 * could) << before << " in the first second";
  EXPECT_GT(Errors("overflow"), 0);
  EXPECT_LE(fake_->connections(), 4) << "it is not left again and again";
  EXPECT_EQ(Sum("away"), 0);
}

TEST_F(OverloadTest, ItRecoversWithinASecond) {
  {
    Ticker demand(loop_, [this] { AskMany(100); });
    AskMany(300);
    wait_.RunFor(seconds(2));
  }
  wait_.RunFor(milliseconds(500));
  decided_ = failed_ = 0;
  {
    Ticker demand(loop_, [this] { AskMany(1); });
    wait_.RunFor(seconds(1));
  }
  EXPECT_GE(decided_, 20);
  EXPECT_EQ(failed_, 0);
  wait_.RunFor(milliseconds(300));
  EXPECT_EQ(Sum("calls_active"), 0);
}

TEST(CallWindowTest, NarrowsAfterLateCallsAlone) {
  const MonotonicTime now{seconds(100)};
  CallWindow window(milliseconds(100));
  window.OnAnswer(0, milliseconds(5));
  EXPECT_TRUE(window.Admits(5000, now));
  EXPECT_FALSE(window.Overfull(5000));
  window.OnLate(now);
  EXPECT_TRUE(window.Admits(9, now));
  EXPECT_FALSE(window.Admits(10, now));
  EXPECT_FALSE(window.Overfull(28));
  EXPECT_TRUE(window.Overfull(29));
}

TEST(CallWindowTest, WidensWithAServerThatIsFast) {
  const MonotonicTime now{seconds(100)};
  CallWindow window(milliseconds(100));
  window.OnAnswer(0, milliseconds(60));
  window.OnLate(now);
  EXPECT_TRUE(window.Admits(0, now)) << "or nobody would find out";
  EXPECT_FALSE(window.Admits(1, now));
  for (size_t under_way = 0; under_way < 5000; under_way *= 2) {
    for (int i = 0; i < 32; ++i) {
      window.OnAnswer(under_way, milliseconds(1));
    }
    ASSERT_TRUE(window.Admits(2 * under_way + 1, now)) << under_way;
    under_way += 1;
  }
}

TEST(CallWindowTest, ItEndsAfterASecondOfPeace) {
  const MonotonicTime now{seconds(100)};
  CallWindow window(milliseconds(100));
  window.OnAnswer(0, milliseconds(50));
  window.OnLate(now);
  EXPECT_FALSE(window.Calm(now + milliseconds(999)));
  EXPECT_FALSE(window.Admits(5, now + milliseconds(900)));
  EXPECT_FALSE(window.Calm(now + milliseconds(1800)));
  EXPECT_TRUE(window.Calm(now + milliseconds(1900)));
  EXPECT_FALSE(window.Calm(now + milliseconds(1900))) << "told once";
  EXPECT_TRUE(window.Admits(5000, now + milliseconds(1900)));
}

}  // namespace
}  // namespace gatehouse::redis
