// SPDX-License-Identifier: Apache-2.0
// What is said to Redis, and who gets which answer.
#include "source/proxy/redis/clients.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/proxy/redis/redis_test_base.h"

namespace gatehouse::redis {
namespace {

using std::chrono::milliseconds;

class ClientsTest : public RedisTest {};

// The key comes back, so that an answer tells whose it is.
std::string Echo(const std::vector<std::string>& command) {
  return command[0] == "EVALSHA"
             ? "*2\r\n:7\r\n$" + std::to_string(command[3].size()) + "\r\n" + command[3] + "\r\n"
             : "+OK\r\n";
}

TEST_F(ClientsTest, AsksByDigest) {
  Start(Echo);
  EXPECT_EQ(Ended("user:1").text, "[7,user:1]");
  EXPECT_EQ(fake_->commands(),
            (std::vector<Command>{{"EVALSHA", script_.digest, "1", "user:1", "a"}}));
  EXPECT_EQ(Sum("calls_total"), 1);
  EXPECT_EQ(Sum("calls_active"), 0);
  EXPECT_EQ(Sum("connections_opened_total"), 1);
  EXPECT_EQ(Sum("call_duration_seconds_count"), 1);
}

TEST_F(ClientsTest, KeysMayBeAnyBytes) {
  Start(Echo);
  const std::string odd("a\r\n$1\0 b", 8);
  EXPECT_EQ(Ended(odd).text, "[7," + odd + "]");
  EXPECT_EQ(Ended("").text, "[7,]");
}

TEST_F(ClientsTest, CallsOfOneTurnLeaveInOneWrite) {
  Start(Echo);
  Ended();
  const int reads = fake_->reads();
  for (int i = 0; i < 100; ++i) {
    Ask(std::to_string(i));
  }
  ASSERT_TRUE(wait_.Run(100));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(outcomes_[static_cast<size_t>(i) + 1].text, "[7," + std::to_string(i) + "]");
  }
  EXPECT_EQ(fake_->reads(), reads + 1);
  EXPECT_EQ(fake_->connections(), 1);
}

TEST_F(ClientsTest, EqualServersShareAConnection) {
  Start(Echo);
  Ended();
  const pipeline::RedisServer same = server_;
  server_ = pipeline::RedisServer{same};
  Ended();
  EXPECT_EQ(fake_->connections(), 1);
  server_.database = 1;
  Ended();
  EXPECT_EQ(fake_->connections(), 2);
}

TEST_F(ClientsTest, SaysWhoItIsAndWhichDatabase) {
  server_.username = "gate";
  server_.password = "p\r\nw";
  server_.database = 3;
  Start(Echo);
  EXPECT_TRUE(Ended().ok);
  ASSERT_EQ(fake_->commands().size(), 3U);
  EXPECT_EQ(fake_->commands()[0], (Command{"AUTH", "gate", "p\r\nw"}));
  EXPECT_EQ(fake_->commands()[1], (Command{"SELECT", "3"}));
  EXPECT_EQ(fake_->reads(), 1) << "no round trip of their own";
}

TEST_F(ClientsTest, PasswordOfTheDefaultUser) {
  server_.password = "pw";
  Start(Echo);
  EXPECT_TRUE(Ended().ok);
  EXPECT_EQ(fake_->commands()[0], (Command{"AUTH", "pw"}));
}

TEST_F(ClientsTest, AnUnknownScriptIsLoadedOnceAndCallsAreRepeated) {
  bool loaded = false;
  Start([&](const Command& command) -> std::string {
    if (command[0] == "SCRIPT") {
      loaded = true;
      return "$40\r\n" + script_.digest + "\r\n";
    }
    return loaded ? Echo(command) : "-NOSCRIPT No matching script. Please use EVAL.\r\n";
  });
  for (int i = 0; i < 5; ++i) {
    Ask(std::to_string(i));
  }
  ASSERT_TRUE(wait_.Run(5));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(outcomes_[static_cast<size_t>(i)].text, "[7," + std::to_string(i) + "]");
  }
  EXPECT_EQ(Sum("script_loads_total"), 1);
  EXPECT_EQ(fake_->commands()[5], (Command{"SCRIPT", "LOAD", script_.text}));
  loaded = false;  // SCRIPT FLUSH
  EXPECT_TRUE(Ended().ok);
  EXPECT_EQ(Sum("script_loads_total"), 2);
  EXPECT_EQ(Sum("calls_active"), 0);
}

TEST_F(ClientsTest, AScriptThatMayNotBeLoaded) {
  Start([&](const Command& command) -> std::string {
    return command[0] == "SCRIPT" ? "-NOPERM no permissions\r\n" : "-NOSCRIPT No matching\r\n";
  });
  const Outcome outcome = Ended();
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.text.find("does not load the script: NOPERM"), std::string::npos)
      << outcome.text;
  EXPECT_EQ(fake_->commands().size(), 3U) << "repeated once";
}

TEST_F(ClientsTest, ErrorsAreTheCalls) {
  std::string error = "-OOM command not allowed\r\n";
  Start([&](const Command& command) { return command[3] == "bad" ? error : Echo(command); });
  Ask("1");
  Ask("bad");
  Ask("3");
  ASSERT_TRUE(wait_.Run(3));
  EXPECT_TRUE(outcomes_[0].ok);
  EXPECT_EQ(outcomes_[1].text, "Redis at 127.0.0.1:" + std::to_string(server_.port) +
                                   " answered with an error: OOM command not allowed");
  EXPECT_TRUE(outcomes_[2].ok);
  error = "-ERR " + std::string(5000, 'x') + "\r\n";
  EXPECT_LT(Ended("bad").text.size(), 300U);
  EXPECT_EQ(Errors("refused"), 2);
  EXPECT_EQ(fake_->connections(), 1);
}

TEST_F(ClientsTest, CancelledCallsAreNotTold) {
  std::string held;
  Start([&](const Command& command) -> std::string {
    held += Echo(command);
    return fake_->commands().size() < 3 ? "" : held;
  });
  Outcome& gone = Ask("gone");
  Ask("also");
  wait_.RunFor(milliseconds(10));
  pending_[0].reset();
  pending_[1].reset();
  Outcome& unsent = Ask("unsent");
  pending_[2].reset();
  EXPECT_EQ(Ended("third").text, "[7,third]");
  EXPECT_FALSE(gone.ended);
  EXPECT_FALSE(unsent.ended);
  EXPECT_EQ(fake_->commands().size(), 3U) << "what nobody wants is not sent";
  EXPECT_EQ(Sum("calls_active"), 0);
}

TEST_F(ClientsTest, ACallbackMayAskAgainAndEndItsCall) {
  Start([](const Command&) { return ":1\r\n"; });
  int answers = 0;
  std::unique_ptr<pipeline::Pending> pending;
  std::function<void()> again = [&] {
    pending = clients_->RunScript(server_, script_, {}, {}, [&](auto value) {
      pending.reset();
      EXPECT_TRUE(value.has_value());
      if (++answers < 3) {
        again();
      } else {
        wait_.Done();
      }
    });
  };
  again();
  EXPECT_TRUE(wait_.Run());
}

TEST_F(ClientsTest, TheWorkerMayEndWithCallsUnderWay) {
  Start([](const Command&) { return ""; });
  Ask();
  wait_.RunFor(milliseconds(10));
  Ask();
  clients_.reset();
  pending_.clear();
  EXPECT_FALSE(outcomes_[0].ended);
  EXPECT_FALSE(outcomes_[1].ended);
  EXPECT_EQ(Sum("calls_active"), 0);
}

TEST_F(ClientsTest, HostnamesAreLookedUp) {
  Start(Echo);
  server_.host = "localhost";
  server_.timeout = std::chrono::seconds(2);
  const Outcome outcome = Ended();
  EXPECT_TRUE(outcome.ok) << outcome.text;
}

TEST_F(ClientsTest, HostnamesThatDoNotExist) {
  server_.host = "no-such-host.invalid";
  server_.port = 1;
  const Outcome outcome = Ended();
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.text.find("no-such-host.invalid:1"), std::string::npos) << outcome.text;
}

TEST_F(ClientsTest, TooManyCallsFailAtOnce) {
  Start([](const Command&) { return ""; });
  server_.timeout = std::chrono::seconds(20);
  for (size_t i = 0; i < Link::kMaxCalls + 3; ++i) {
    Ask();
  }
  ASSERT_TRUE(wait_.Run(3));
  EXPECT_NE(outcomes_.back().text.find("too many calls"), std::string::npos)
      << outcomes_.back().text;
  EXPECT_EQ(Errors("overflow"), 3);
}

TEST_F(ClientsTest, TooManyBytesFailAtOnce) {
  Start([](const Command&) { return ""; });
  server_.timeout = std::chrono::seconds(20);
  const std::string large(Link::kMaxBytes / 8, 'x');
  for (int i = 0; i < 8; ++i) {
    Ask(large);
  }
  ASSERT_TRUE(wait_.Run());
  EXPECT_EQ(Errors("overflow"), 1);
}

}  // namespace
}  // namespace gatehouse::redis
