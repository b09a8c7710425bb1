// SPDX-License-Identifier: Apache-2.0
// A Redis that is slow, stuck, away, or says what it should not.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/proxy/redis/redis_test_base.h"

namespace gatehouse::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TroubleTest : public RedisTest {
 protected:
  static std::string One(const Command& command) {
    return command[0] == "PING" ? "+PONG\r\n" : ":1\r\n";
  }
  static std::string Nothing(const Command&) { return ""; }
};

TEST_F(TroubleTest, NobodyListensThere) {
  Start(One);
  fake_.reset();
  const Outcome outcome = Ended();
  EXPECT_NE(outcome.text.find("can't be reached: Connection refused"), std::string::npos)
      << outcome.text;
  const int64_t begun = Sum("connections_opened_total");
  const Outcome next = Ended();
  EXPECT_NE(next.text.find("is away: can't be reached"), std::string::npos) << next.text;
  EXPECT_LE(Sum("connections_opened_total"), begun + 1) << "calls don't connect while it is away";
  EXPECT_EQ(Errors("unreachable"), 1);
  EXPECT_GE(Errors("away"), 1);
  EXPECT_EQ(Sum("away"), 1);
  Start(One);
  EXPECT_TRUE(ComesBack());
  EXPECT_EQ(Sum("away"), 0);
  EXPECT_EQ(fake_->commands()[0], (Command{"PING"})) << "a probe found it, not a call";
}

TEST_F(TroubleTest, ProbesAreSeldom) {
  Start(One);
  fake_.reset();
  Ended();
  wait_.RunFor(milliseconds(700));
  // After 25 to 50 ms, 50 to 100, 100 to 200, 200 to 400 …, each late by up to 40.
  EXPECT_GE(Sum("connections_opened_total"), 3);
  EXPECT_LE(Sum("connections_opened_total"), 6);
}

TEST_F(TroubleTest, AStuckServerIsLeft) {
  bool stuck = true;
  Start([&](const Command& command) { return stuck ? "" : One(command); });
  Ask("1");
  Ask("2");
  ASSERT_TRUE(wait_.Run(2));
  for (const Outcome& outcome : outcomes_) {
    EXPECT_NE(outcome.text.find("does not answer within 100ms"), std::string::npos) << outcome.text;
  }
  EXPECT_NE(Ended().text.find("is away"), std::string::npos) << "known to be away: at once";
  EXPECT_EQ(Errors("timeout"), 2);
  // It accepts connections all the time, which is not enough.
  wait_.RunFor(milliseconds(300));
  EXPECT_FALSE(Ended().ok);
  stuck = false;
  EXPECT_TRUE(ComesBack());
}

TEST_F(TroubleTest, ALateAnswerIsNobodysElse) {
  server_.timeout = milliseconds(600);
  Start(Nothing);
  Ask("first");
  Outcome& late = Ask("late");
  wait_.RunFor(milliseconds(300));
  fake_->Say(":1\r\n*2\r\n:1\r\n");  // A sign of life.
  wait_.RunFor(milliseconds(100));
  Outcome& second = Ask("second");
  ASSERT_TRUE(wait_.Run());  // The first, which was told meanwhile, or the next.
  if (!late.ended) {
    ASSERT_TRUE(wait_.Run());
  }
  EXPECT_TRUE(late.ended);
  EXPECT_NE(late.text.find("took longer than 600ms"), std::string::npos) << late.text;
  EXPECT_FALSE(second.ended);
  fake_->Say(":2\r\n:3\r\n");
  ASSERT_TRUE(wait_.Run());
  EXPECT_EQ(second.text, "3");
  EXPECT_EQ(fake_->connections(), 1);
  EXPECT_EQ(Sum("calls_active"), 0);
}

TEST_F(TroubleTest, AnswersInPieces) {
  server_.timeout = seconds(20);
  Start(Nothing);
  Outcome& outcome = Ask();
  for (const char byte : std::string("*4\r\n:1\r\n$2\r\nab\r\n$-1\r\n*1\r\n+x\r\n")) {
    wait_.RunFor(milliseconds(1));
    fake_->Say({&byte, 1});
  }
  ASSERT_TRUE(wait_.Run());
  EXPECT_EQ(outcome.text, "[1,ab,nil,[x]]");
}

// Bytes that never make an answer are none.
TEST_F(TroubleTest, ATrickleIsNoAnswer) {
  server_.timeout = milliseconds(300);
  Start([](const Command&) { return "$60000\r\n"; });
  Outcome& outcome = Ask();
  for (int i = 0; i < 100 && !outcome.ended; ++i) {
    wait_.RunFor(milliseconds(20));
    if (!outcome.ended && fake_->connected()) {
      fake_->Say("x");
    }
  }
  EXPECT_NE(outcome.text.find("does not answer within 300ms"), std::string::npos) << outcome.text;
}

// As Redis does when it has `maxclients`.
TEST_F(TroubleTest, AServerThatOnlyEverRefusesAndClosesIsAway) {
  Start([&](const Command&) -> std::string {
    fake_->Say("-ERR max number of clients reached\r\n");
    fake_->Hang();
    return "";
  });
  EXPECT_NE(Ended().text.find("max number of clients"), std::string::npos);
  wait_.RunFor(milliseconds(1));
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(Ended().text.find("is away"), std::string::npos);
  }
  EXPECT_LE(fake_->connections(), 3) << "calls don't connect";
}

TEST_F(TroubleTest, ClosedInTheMiddleOfAnAnswer) {
  bool first = true;
  Start([&](const Command& command) -> std::string {
    if (first) {
      first = false;
      fake_->Say("*3\r\n:1\r\n");
      fake_->Hang();
      return "";
    }
    return One(command);
  });
  const Outcome outcome = Ended();
  EXPECT_NE(outcome.text.find("closed the connection"), std::string::npos) << outcome.text;
  EXPECT_EQ(Errors("closed"), 1);
  EXPECT_TRUE(ComesBack());
}

TEST_F(TroubleTest, AnIdleConnectionThatIsClosedIsMadeAnewQuietly) {
  Start(One);
  EXPECT_TRUE(Ended().ok);
  fake_->Hang();
  wait_.RunFor(milliseconds(20));
  EXPECT_TRUE(Ended().ok);
  EXPECT_EQ(fake_->connections(), 2);
  EXPECT_EQ(Sum("away"), 0);
}

TEST_F(TroubleTest, Garbage) {
  const std::string wrong[] = {
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      std::string("\0\1\2\3", 4),
      "*100000000\r\n",
      "*257\r\n",
      "*2147483648\r\n",
      "*-2\r\n",
      "$99999999999999999999\r\n",
      "$-7\r\nx",
      ":12x\r\n",
      ":99999999999999999999\r\n",
      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
      "$70000\r\n" + std::string(70000, 'x') + "\r\n",
      "$9223372036854775807\r\n" + std::string(66000, 'x'),
      "+" + std::string(70000, 'x'),
  };
  std::string answer;
  Start([&](const Command& command) -> std::string {
    return answer.empty() ? One(command) : answer;
  });
  for (const std::string& one : wrong) {
    answer = one;
    const int64_t before = Errors("malformed");
    const Outcome outcome = Ended();
    EXPECT_FALSE(outcome.ok) << one.substr(0, 50);
    EXPECT_EQ(Errors("malformed"), before + 1) << one.substr(0, 50) << ": " << outcome.text;
    EXPECT_LT(outcome.text.size(), 300U);
    answer.clear();
    ASSERT_TRUE(ComesBack());
  }
}

TEST_F(TroubleTest, AnswersThatNobodyAskedFor) {
  Start([](const Command& command) {
    return command[0] == "PING" ? "+PONG\r\n" : std::string(":1\r\n+OK\r\n");
  });
  EXPECT_TRUE(Ended().ok);
  wait_.RunFor(milliseconds(10));
  EXPECT_FALSE(fake_->connected()) << "what comes next could be taken for an answer";
  EXPECT_EQ(Sum("away"), 1);
}

TEST_F(TroubleTest, AWrongPassword) {
  server_.password = "hunter2";
  Start([](const Command& command) -> std::string {
    return command[0] == "AUTH" ? "-WRONGPASS invalid username-password pair\r\n"
                                : "-NOAUTH Authentication required.\r\n";
  });
  const Outcome outcome = Ended();
  EXPECT_NE(outcome.text.find("does not take the user or password: WRONGPASS"), std::string::npos)
      << outcome.text;
  EXPECT_EQ(outcome.text.find("hunter2"), std::string::npos);
  EXPECT_NE(Ended().text.find("is away"), std::string::npos);
}

TEST_F(TroubleTest, ADatabaseThatIsNotThere) {
  server_.database = 99;
  Start([](const Command& command) -> std::string {
    return command[0] == "SELECT" ? "-ERR DB index is out of range\r\n" : ":1\r\n";
  });
  EXPECT_NE(Ended().text.find("does not give the database: ERR DB index"), std::string::npos);
}

TEST_F(TroubleTest, AServerThatIsStillLoadingIsNotBack) {
  std::string ping = "-LOADING Redis is loading the dataset in memory\r\n";
  Start(One);
  fake_.reset();
  Ended();
  Start([&](const Command& command) { return command[0] == "PING" ? ping : One(command); });
  wait_.RunFor(milliseconds(400));
  EXPECT_GT(fake_->connections(), 0);
  EXPECT_NE(Ended().text.find("does not take calls: LOADING"), std::string::npos);
  ping = "-NOPERM this user has no permissions to run the 'ping' command\r\n";
  EXPECT_TRUE(ComesBack()) << "it knows us, and answers";
}

// As after a failover behind a name: the connection leads to what is a replica now.
TEST_F(TroubleTest, AReplicaIsLeftButNotTooOften) {
  Start([](const Command&) -> std::string { return "-READONLY You can't write\r\n"; });
  for (int i = 0; i < 10; ++i) {
    EXPECT_NE(Ended().text.find("READONLY"), std::string::npos);
  }
  EXPECT_EQ(fake_->connections(), 1);
  wait_.RunFor(milliseconds(1100));
  EXPECT_NE(Ended().text.find("READONLY"), std::string::npos);
  EXPECT_NE(Ended().text.find("READONLY"), std::string::npos);
  EXPECT_EQ(fake_->connections(), 2);
  EXPECT_EQ(Sum("away"), 0);
}

// Requests go on one after another: thousands of failures must not hold up who did not ask Redis.
TEST_F(TroubleTest, FailuresAreToldInPortions) {
  Start(Nothing);
  int in_turn = 0;
  int most = 0;
  struct Turn final : event::Ready {
    explicit Turn(int& in_turn) : in_turn(in_turn) {}
    void OnReady() override { in_turn = 0; }
    int& in_turn;
  } turn(in_turn);
  for (int i = 0; i < 1000; ++i) {
    pending_.push_back(clients_->RunScript(server_, script_, {}, {}, [&](auto) {
      most = std::max(most, ++in_turn);
      loop_.Queue(turn);
      wait_.Done();
    }));
  }
  ASSERT_TRUE(wait_.Run(1000));
  EXPECT_LE(most, 64);
}

}  // namespace
}  // namespace gatehouse::redis
