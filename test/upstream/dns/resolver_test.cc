// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/upstream/dns/host_watch.h"
#include "test/event/loop_wait.h"
#include "test/upstream/dns/fake_dns.h"

namespace gatehouse::upstream {
namespace {

using Manner = FakeReply::Manner;
using std::chrono::milliseconds;

// What a watch was told last, as text: "10.0.0.1 fd00::1" and the error.
struct Told {
  std::string addresses;
  std::string error;
  int calls = 0;
};

struct ResolverTest : testing::Test {
  ResolverTest() {
    settings.servers = {server.address()};
    settings.timeout = std::chrono::seconds(2);
    settings.min_ttl = milliseconds(1);
    settings.max_ttl = milliseconds(60);  // Most tests don't want to wait for a TTL of a second.
    settings.retry = milliseconds(40);
    loop.UpdateNow();
  }

  std::unique_ptr<HostWatch> Watch(const std::string& name, Told& told) {
    if (resolver == nullptr) {
      resolver = Resolver::Create(loop, settings);
    }
    return resolver->Watch(name, [this, &told](const auto& addresses, const Error* error) {
      told.addresses.clear();
      for (const IpAddress& ip : addresses) {
        told.addresses += (told.addresses.empty() ? "" : " ") + ip.ToString();
      }
      told.error = error != nullptr ? error->message : "";
      ++told.calls;
      CheckAwaited();
    });
  }
  void Watch(const std::string& name) { watch = Watch(name, told); }

  // Runs until `told` is so.
  testing::AssertionResult Comes(const std::string& addresses, const std::string& error = "") {
    awaited = {addresses, error};
    CheckAwaited();
    const bool came = wait.Run();
    awaited.reset();
    return came ? testing::AssertionSuccess()
                : testing::AssertionFailure()
                      << "addresses: " << told.addresses << "; error: " << told.error;
  }
  void CheckAwaited() {
    if (awaited && told.addresses == awaited->first && told.error == awaited->second) {
      awaited.reset();
      wait.Done();
    }
  }
  // Runs until `questions` more have come.
  bool QuestionsCome(int questions) {
    server.on_question = [this] { wait.Done(); };
    const bool came = wait.Run(questions);
    server.on_question = nullptr;
    return came;
  }

  event::Loop loop{"test"};
  event::LoopWait wait{loop};
  FakeDns server{loop};
  ResolverSettings settings;
  std::unique_ptr<Resolver> resolver;
  Told told;
  std::unique_ptr<HostWatch> watch;
  std::optional<std::pair<std::string, std::string>> awaited;
};

TEST_F(ResolverTest, AllAddressesSortedIpv4First) {
  server.SetBoth("a.internal",
                 {.ips = {"fd00::2", "10.0.0.10", "fd00::1", "10.0.0.9", "10.0.0.9"}});
  Watch("A.internal");
  EXPECT_EQ(told.calls, 0);
  EXPECT_TRUE(Comes("10.0.0.9 10.0.0.10 fd00::1 fd00::2"));
}

TEST_F(ResolverTest, ChangesAreToldAndNothingElse) {
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  EXPECT_TRUE(QuestionsCome(6));  // Asked three times more.
  EXPECT_EQ(told.calls, 1);
  server.Set("a.internal", kA, {.ips = {"10.0.0.2", "10.0.0.1"}});
  EXPECT_TRUE(Comes("10.0.0.1 10.0.0.2"));
  server.Set("a.internal", kA, {.ips = {"10.0.0.3"}});
  EXPECT_TRUE(Comes("10.0.0.3"));
  EXPECT_EQ(told.calls, 3);
}

TEST_F(ResolverTest, TheTtlIsHonoured) {
  settings.max_ttl = std::chrono::minutes(5);
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}, .ttl = 1});
  const MonotonicTime start = MonotonicNow();
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  EXPECT_EQ(server.udp_questions, 2);
  server.Set("a.internal", kA, {.ips = {"10.0.0.2"}, .ttl = 300});
  EXPECT_TRUE(Comes("10.0.0.2"));
  const Duration waited = MonotonicNow() - start;
  EXPECT_GE(waited, std::chrono::seconds(1));
  EXPECT_LT(waited, std::chrono::seconds(3));
  EXPECT_EQ(server.udp_questions, 4);
  wait.RunFor(milliseconds(200));
  EXPECT_EQ(server.udp_questions, 4);
}

TEST_F(ResolverTest, TheShortestTtlOnTheWayCounts) {
  settings.max_ttl = std::chrono::minutes(5);
  FakeReply alias;
  alias.ips = {"10.0.0.1"};
  alias.ttl = 300;
  alias.cname = "b.internal";
  alias.cname_ttl = 0;
  server.Set("a.internal", kA, alias);
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  alias.ips = {"10.0.0.2"};
  server.Set("a.internal", kA, alias);
  EXPECT_TRUE(Comes("10.0.0.2"));
}

TEST_F(ResolverTest, ATtlOfZeroIsTheLeast) {
  settings.min_ttl = milliseconds(150);
  settings.max_ttl = std::chrono::minutes(5);
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}, .ttl = 0});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  const MonotonicTime first = MonotonicNow();
  EXPECT_TRUE(QuestionsCome(2));
  EXPECT_GE(MonotonicNow() - first, milliseconds(100));
}

TEST_F(ResolverTest, FailureKeepsTheLastGoodAndTriesAgain) {
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  server.SetBoth("a.internal", {.rcode = 2});
  EXPECT_TRUE(Comes(
      "10.0.0.1",
      "can't resolve a.internal: no server gave an answer (unreachable, SERVFAIL or REFUSED)"));
  const int calls = told.calls;
  EXPECT_TRUE(QuestionsCome(8));
  EXPECT_EQ(told.calls, calls);  // The same failure again is no news.
  server.Clear();
  server.Set("a.internal", kA, {.ips = {"10.0.0.2"}});
  EXPECT_TRUE(Comes("10.0.0.2"));
}

TEST_F(ResolverTest, NoAnswerInTime) {
  settings.timeout = milliseconds(40);
  server.SetBoth("a.internal", {.manner = Manner::kSilent});
  Watch("a.internal");
  EXPECT_TRUE(Comes("", "can't resolve a.internal: no server answered in time"));
  server.Clear();
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  EXPECT_TRUE(Comes("10.0.0.1"));
}

TEST_F(ResolverTest, AServerThatIgnoresAaaaDelaysNothing) {
  settings.timeout = std::chrono::seconds(10);
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  server.Set("a.internal", kAaaa, {.manner = Manner::kSilent});
  const MonotonicTime start = MonotonicNow();
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  EXPECT_LT(MonotonicNow() - start, settings.timeout);
}

TEST_F(ResolverTest, HalfAFailureRemovesNothing) {
  server.SetBoth("a.internal", {.ips = {"10.0.0.1", "fd00::1"}});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1 fd00::1"));
  server.Set("a.internal", kAaaa, {.rcode = 2});
  server.Set("a.internal", kA, {.ips = {"10.0.0.2"}});
  EXPECT_TRUE(Comes("10.0.0.2 fd00::1"));
  server.Set("a.internal", kAaaa, {});  // Answered: none.
  EXPECT_TRUE(Comes("10.0.0.2"));
}

TEST_F(ResolverTest, TruncatedIsAskedAgainOverTcp) {
  FakeReply many{.manner = Manner::kTruncated};
  std::string expected;
  for (int i = 1; i <= 200; ++i) {
    many.ips.push_back("10.0.0." + std::to_string(i));
    expected += (i > 1 ? " " : "") + many.ips.back();
  }
  server.Set("a.internal", kA, many);
  Watch("a.internal");
  EXPECT_TRUE(Comes(expected));
  EXPECT_GE(server.tcp_questions, 1);
}

TEST_F(ResolverTest, GarbageIsAFailure) {
  settings.timeout = milliseconds(40);
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
  const std::string nonsense = "can't resolve a.internal: the answer makes no sense";
  const std::string silence = "can't resolve a.internal: no server answered in time";
  server.SetBoth("a.internal", {.ips = {"10.0.0.2", "fd00::2"}, .manner = Manner::kCutOff});
  EXPECT_TRUE(Comes("10.0.0.1", nonsense));
  server.SetBoth("a.internal", {.manner = Manner::kWrongId});
  EXPECT_TRUE(Comes("10.0.0.1", silence));
  server.SetBoth("a.internal", {.manner = Manner::kNameLoop});
  EXPECT_TRUE(Comes("10.0.0.1", nonsense));
  server.SetBoth("a.internal", {.manner = Manner::kShort});
  EXPECT_TRUE(Comes("10.0.0.1", silence));
}

TEST_F(ResolverTest, ANameThatVanishesKeepsItsAddressesForAWhile) {
  settings.hold_vanished = milliseconds(300);
  server.SetBoth("a.internal", {.ips = {"10.0.0.1", "fd00::1"}});
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1 fd00::1"));
  server.Clear();
  const MonotonicTime start = MonotonicNow();
  EXPECT_TRUE(Comes("10.0.0.1 fd00::1", "can't resolve a.internal: no such name"));
  EXPECT_TRUE(Comes("", "can't resolve a.internal: no such name"));
  EXPECT_GE(MonotonicNow() - start, milliseconds(300));
  server.Set("a.internal", kA, {.ips = {"10.0.0.2"}});
  EXPECT_TRUE(Comes("10.0.0.2"));
}

TEST_F(ResolverTest, ANameWithoutAddresses) {
  server.SetBoth("a.internal", {});
  Watch("a.internal");
  EXPECT_TRUE(Comes("", "can't resolve a.internal: it has no addresses"));
}

TEST_F(ResolverTest, WatchesOfOneNameShareTheQuestion) {
  settings.max_ttl = std::chrono::minutes(5);
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  Watch("a.internal");
  Told second;
  auto other = Watch("a.internal", second);
  EXPECT_TRUE(Comes("10.0.0.1"));
  EXPECT_EQ(second.addresses, "10.0.0.1");
  // One that comes later is told what is known, from the loop.
  Told third;
  auto late = Watch("A.INTERNAL", third);
  EXPECT_EQ(third.calls, 0);
  wait.RunFor(milliseconds(1));
  EXPECT_EQ(third.addresses, "10.0.0.1");
  EXPECT_EQ(told.calls, 1);
  EXPECT_EQ(server.udp_questions, 2);
}

TEST_F(ResolverTest, NothingIsToldOrAskedAfterTheWatchIsGone) {
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  Watch("a.internal");
  watch.reset();
  wait.RunFor(milliseconds(200));
  EXPECT_EQ(told.calls, 0);
  EXPECT_EQ(server.udp_questions, 2);
}

TEST_F(ResolverTest, DestroyedWithQuestionsUnderWay) {
  server.SetBoth("a.internal", {.manner = Manner::kSilent});
  Watch("a.internal");
  EXPECT_TRUE(QuestionsCome(2));
  resolver.reset();
  wait.RunFor(milliseconds(200));
  EXPECT_EQ(told.calls, 0);
  watch.reset();  // Outlived its resolver.
}

TEST_F(ResolverTest, ACallbackMayDropWatches) {
  server.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  std::unique_ptr<HostWatch> first;
  std::unique_ptr<HostWatch> second;
  resolver = Resolver::Create(loop, settings);
  first = resolver->Watch("a.internal", [&](const auto&, const Error*) {
    first.reset();
    second.reset();
    wait.Done();
  });
  second = resolver->Watch("a.internal", [](const auto&, const Error*) { FAIL(); });
  EXPECT_TRUE(wait.Run());
}

TEST_F(ResolverTest, ASecondServerIsAskedWhenTheFirstIsDead) {
  settings.timeout = milliseconds(40);
  FakeDns second(loop);
  second.Set("a.internal", kA, {.ips = {"10.0.0.1"}});
  server.SetBoth("a.internal", {.manner = Manner::kSilent});
  settings.servers.push_back(second.address());
  Watch("a.internal");
  EXPECT_TRUE(Comes("10.0.0.1"));
}

TEST_F(ResolverTest, AServerThatIsNoAddress) {
  settings.servers = {"no address"};
  Watch("a.internal");
  EXPECT_EQ(told.calls, 0);
  wait.RunFor(milliseconds(50));
  EXPECT_EQ(told.error.substr(0, 55), "can't resolve a.internal: can't set name resolution up:");
}

TEST_F(ResolverTest, NoServerListens) {
  {
    FakeDns gone(loop);
    settings.servers = {gone.address()};
  }
  Watch("a.internal");
  EXPECT_TRUE(Comes(
      "", "can't resolve a.internal: no server gave an answer (unreachable, SERVFAIL or REFUSED)"));
}

TEST_F(ResolverTest, TheSystemsHostsFile) {
  settings.servers.clear();
  Watch("localhost");
  wait.RunFor(milliseconds(1));
  EXPECT_EQ(told.addresses.substr(0, 9), "127.0.0.1");
  EXPECT_EQ(told.error, "");
}

}  // namespace
}  // namespace gatehouse::upstream
