// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using pipeline::HarnessFields;
using pipeline::RedisValue;
using std::chrono::milliseconds;
using std::chrono::seconds;

// How many of `count` requests pass.
int Passing(FilterHarness& h, int count, const HarnessFields& fields = {}) {
  int passed = 0;
  for (int i = 0; i < count; ++i) {
    h.Get("/", fields);
    passed += h.forwarded() ? 1 : 0;
  }
  return passed;
}

TEST(RateLimitTest, RefusesWhatIsOverTheRate) {
  FilterHarness h(RateLimit(), "{type: rate_limit, rate: 10/s, burst: 3}", {.name = "per_ip"});
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(Passing(h, 3), 3);
  h.Get();
  EXPECT_FALSE(h.forwarded());
  EXPECT_EQ(h.reply().status, 429);
  EXPECT_EQ(h.reply().error, ErrorCode::kRateLimited);
  EXPECT_EQ(h.reply().detail, "per_ip: over 10/s");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"retry-after", "1"},
                                              {"ratelimit-policy", "\"per_ip\";q=10;w=1"},
                                              {"ratelimit", "\"per_ip\";r=0;t=1"}}));
  EXPECT_EQ(h.stream().info().limit.filter, "per_ip");
  EXPECT_EQ(h.stream().info().limit.limit, 3);
  EXPECT_EQ(h.stream().info().limit.remaining, 0);
  ASSERT_NE(h.stream().info().verdicts, nullptr);
  EXPECT_EQ(h.stream().info().verdicts->verdict, "limited");
  EXPECT_EQ(h.Counter("allowed"), 3);
  EXPECT_EQ(h.Counter("limited"), 1);
  h.Advance(milliseconds(100));
  EXPECT_EQ(Passing(h, 5), 1);
  EXPECT_EQ(h.stream().info().limit.remaining, 0);
}

TEST(RateLimitTest, EachClientHasItsOwn) {
  FilterHarness h(RateLimit(), "{rate: 2/m}");
  h.ConnectFrom("192.0.2.1");
  EXPECT_EQ(Passing(h, 5), 2);
  h.ConnectFrom("192.0.2.2");
  EXPECT_EQ(Passing(h, 5), 2);
  h.ConnectThrough("192.0.2.1", "192.0.2.3");
  EXPECT_EQ(Passing(h, 5), 2);
}

TEST(RateLimitTest, AllWorkersCountTogether) {
  FilterHarness h(RateLimit(), "{rate: 100/m}", {.workers = 4});
  int passed = 0;
  for (uint32_t i = 0; i < 400; ++i) {
    h.OnWorker(i % 4);
    passed += Passing(h, 1);
  }
  EXPECT_EQ(passed, 100);
}

TEST(RateLimitTest, AKeyOf64KiB) {
  FilterHarness h(RateLimit(), "{rate: 2/m, key: {header: x-tenant}}");
  const std::string big(65'536, 'a');
  EXPECT_EQ(Passing(h, 5, {{"x-tenant", big}}), 2);
  EXPECT_EQ(Passing(h, 5, {{"x-tenant", big + "b"}}), 2);
  EXPECT_EQ(Passing(h, 5, {{"x-tenant", big}}), 0);
}

TEST(RateLimitTest, RatesByWhoIsCalling) {
  FilterHarness h(RateLimit(),
                  "{rate: 1/m, key: consumer, rates: {by: attributes.plan, values: {gold: 5/m}}}");
  EXPECT_TRUE(h.definition().needs_identity);
  const observe::IdentityValue gold[] = {{"plan", "gold"}};
  observe::Identity identity{.filter = "jwt", .subject = "ann", .attributes = gold};
  h.facts().identity = &identity;
  EXPECT_EQ(Passing(h, 10), 5);
  identity = {.filter = "jwt", .subject = "bob"};
  EXPECT_EQ(Passing(h, 10), 1);
  h.End();
  h.facts().identity = nullptr;
  EXPECT_EQ(Passing(h, 10), 1) << "nobody: by address, at the rate of all others";
}

TEST(RateLimitTest, CostsInRoutesCountWithTheirBase) {
  FilterHarness h(RateLimit(), "{rate: 10/m}");
  EXPECT_EQ(Passing(h, 4), 4);
  h.Override("cost: 5");
  EXPECT_EQ(Passing(h, 4), 1) << "10 less 4 less 5 is no 5";
}

TEST(RateLimitTest, ARoutesOwnRateIsALimitOfItsOwn) {
  FilterHarness h(RateLimit(), "{rate: 10/m}");
  EXPECT_EQ(Passing(h, 20), 10);
  h.Override("rate: 3/m");
  EXPECT_EQ(Passing(h, 4), 3);
}

TEST(RateLimitTest, FieldsOnAllResponses) {
  FilterHarness h(RateLimit(), "{rate: 10/m, headers: always}");
  h.Get();
  h.Response();
  EXPECT_EQ(h.ResponseField("ratelimit"), "\"rate_limit\";r=9;t=6");
  EXPECT_EQ(h.ResponseField("ratelimit-policy"), "\"rate_limit\";q=10;w=60");
  EXPECT_EQ(Passing(h, 9), 9);
  h.Get();
  EXPECT_EQ(h.reply().status, 429);
  h.Turn();
  EXPECT_EQ(h.ResponseField("ratelimit"), "\"rate_limit\";r=0;t=60") << "and only once";
}

TEST(RateLimitTest, FieldsOnNone) {
  FilterHarness h(RateLimit(), "{rate: 1/m, headers: off}");
  EXPECT_EQ(Passing(h, 2), 1);
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"retry-after", "60"}}));
  EXPECT_FALSE(h.definition().phases().response_headers);
}

TEST(RateLimitTest, DryRunLetsAllPass) {
  FilterHarness h(RateLimit(), "{rate: 2/m, dry_run: true}");
  EXPECT_EQ(Passing(h, 5), 5);
  EXPECT_EQ(h.stream().info().verdicts->verdict, "would limit");
  EXPECT_EQ(h.Counter("would_limit"), 3);
  EXPECT_EQ(h.Counter("limited"), 0);
}

TEST(RateLimitTest, ReloadsKeepDebts) {
  FilterHarness h(RateLimit(), "{rate: 5/m}");
  EXPECT_EQ(Passing(h, 3), 3);
  EXPECT_TRUE(h.Reload("{rate: 5/m}"));
  EXPECT_EQ(Passing(h, 1), 1);
  EXPECT_FALSE(h.Reload("{rate: 5/m, headers: off}"));
  EXPECT_EQ(Passing(h, 5), 1) << "what else changes forgives nothing";
  EXPECT_FALSE(h.Reload("{rate: 10/m}"));
  EXPECT_EQ(Passing(h, 20), 5) << "nor does another rate: 5 of 10 are owed";
  EXPECT_FALSE(h.Reload("{rate: 10/m, key: route}"));
  EXPECT_EQ(Passing(h, 20), 10) << "another key is";
}

TEST(RateLimitTest, ReloadsKeepDebtsOfARoutesOwnLimit) {
  FilterHarness h(RateLimit(), "{rate: 10/m}");
  h.Override("rate: 3/m");
  EXPECT_EQ(Passing(h, 2), 2);
  EXPECT_FALSE(h.Reload("{rate: 10/m, headers: off}"));
  EXPECT_EQ(Passing(h, 20), 10);
  h.Override("rate: 3/m");
  EXPECT_EQ(Passing(h, 5), 1) << "what changes in its base forgives nothing";
  EXPECT_FALSE(h.Reload("{rate: 10/m, key: route}"));
  h.Override("rate: 3/m");
  EXPECT_EQ(Passing(h, 5), 3) << "another key does";
}

TEST(RateLimitTest, ExplainsWhoIsCallingAndTheStoresKey) {
  FilterHarness h(RateLimit(), "{rate: 2/m, key: consumer, store: 'redis://10.0.0.5'}");
  h.ConnectFrom("192.0.2.1");
  h.Get();
  EXPECT_EQ(h.definition().Explain(h.request(), h.stream().info()),
            "2/m, burst 2, key subject of who is calling, or client_ip 192.0.2.1 if that is "
            "nobody; its store knows how much is used");
  const observe::Identity identity{.filter = "jwt", .subject = "ann"};
  h.End();
  h.facts().identity = &identity;
  h.Get();
  EXPECT_EQ(h.definition().Explain(h.request(), h.stream().info()),
            "2/m, burst 2, key subject ann; its store knows how much is used, under " +
                h.scripts().back().keys[0]);
}

TEST(RateLimitTest, Explains) {
  FilterHarness h(RateLimit(), "{rate: 2/m, cost: 2, dry_run: true}");
  h.ConnectFrom("192.0.2.1");
  h.Get();
  EXPECT_EQ(h.definition()
                .Explain(h.request(), h.stream().info())
                .find("2/m, burst 2, cost 2, key client_ip 192.0.2.1; "),
            0);
  EXPECT_NE(h.definition().State().find("\"rate\": \"2/m\""), std::string::npos);
}

constexpr char kStored[] =
    "{rate: 10/m, store: 'redis://10.0.0.5', store_timeout: 50ms, on_store_failure: ";

RedisValue Decision(const std::array<RedisValue, 3>& numbers) {
  return {RedisValue::Kind::kArray, 0, {}, numbers};
}
std::array<RedisValue, 3> Numbers(int64_t allowed, int64_t owed) {
  return {{{RedisValue::Kind::kInteger, allowed},
           {RedisValue::Kind::kInteger, owed},
           {RedisValue::Kind::kInteger, 0}}};
}
Result<RedisValue> Away() {
  return Fail(ErrorCode::kIo, ErrorSource::kUpstream, "10.0.0.5: connection refused");
}

TEST(RateLimitTest, TheStoreDecides) {
  FilterHarness h(RateLimit(), std::string(kStored) + "allow}");
  EXPECT_EQ(h.diagnostics(), "");
  h.Get();
  EXPECT_TRUE(h.paused());
  ASSERT_EQ(h.scripts().size(), 1);
  EXPECT_EQ(h.scripts()[0].server.host, "10.0.0.5");
  EXPECT_EQ(h.scripts()[0].server.timeout, milliseconds(50));
  const auto yes = Numbers(1, 6'000'000);
  EXPECT_TRUE(h.AnswerScript(Decision(yes)));
  h.Turn();
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.stream().info().limit.remaining, 9);
  h.Get();
  EXPECT_EQ(h.scripts()[1].keys, h.scripts()[0].keys) << "the same client";
  const auto no = Numbers(0, 60'000'000);
  EXPECT_TRUE(h.AnswerScript(Decision(no)));
  h.Turn();
  EXPECT_EQ(h.reply().status, 429);
  EXPECT_EQ(h.reply().headers[0].second, "6");
  EXPECT_EQ(h.Counter("allowed"), 1);
  EXPECT_EQ(h.Counter("limited"), 1);
  h.ConnectFrom("198.51.100.9");
  h.Get();
  EXPECT_NE(h.scripts()[2].keys, h.scripts()[0].keys);
  h.End();
  EXPECT_FALSE(h.AnswerScript(Decision(yes))) << "who has gone asks no more";
}

TEST(RateLimitTest, WithoutItsStoreItLetsPass) {
  FilterHarness h(RateLimit(), std::string(kStored) + "allow}");
  h.Get();
  h.AnswerScript(Away());
  h.Turn();
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.Counter("store_failures"), 1);
  EXPECT_EQ(h.stream().info().verdicts->verdict, "allowed without its store");
  EXPECT_NE(h.definition().State().find("\"store_away\": true"), std::string::npos);
}

TEST(RateLimitTest, WhenItsStoreComesAndGoes) {
  FilterHarness h(RateLimit(), std::string(kStored) + "allow}");
  const auto away = [&] {
    return h.definition().State().find("\"store_away\": true") != std::string::npos;
  };
  const auto yes = Numbers(1, 0);
  h.Get();
  h.AnswerScript(Away());
  h.Advance(milliseconds(500));
  h.Get();
  h.AnswerScript(Decision(yes));
  EXPECT_TRUE(away()) << "it may go again at once";
  h.Advance(seconds(1));
  h.Get();
  h.AnswerScript(Decision(yes));
  EXPECT_FALSE(away());
}

TEST(RateLimitTest, InTheStoreARoutesOwnRateIsALimitOfItsOwn) {
  FilterHarness h(RateLimit(), std::string(kStored) + "allow}");
  h.Get();
  FilterHarness same(RateLimit(), std::string(kStored) + "allow}");
  same.Override("cost: 5");
  same.Get();
  EXPECT_EQ(same.scripts()[0].keys, h.scripts()[0].keys);
  FilterHarness other(RateLimit(), std::string(kStored) + "allow}");
  other.Override("rate: 3/m");
  other.Get();
  EXPECT_NE(other.scripts()[0].keys, h.scripts()[0].keys);
}

TEST(RateLimitTest, ATableIsThereWhenItIsNeeded) {
  FilterHarness h(RateLimit(), std::string(kStored) + "allow, key: {header: x}}");
  EXPECT_FALSE(h.Reload("{rate: 10/m, key: {header: x}}"));
  for (int i = 0; i < 1000; ++i) {
    h.Get("/", {{"x", std::to_string(i)}});
    ASSERT_TRUE(h.forwarded());
  }
  EXPECT_EQ(h.Counter("evicted"), 0);
}

TEST(RateLimitTest, OrRefuses) {
  FilterHarness h(RateLimit(), std::string(kStored) + "deny}");
  h.Get();
  h.AnswerScript(Away());
  h.Turn();
  EXPECT_EQ(h.reply().status, 503);
  EXPECT_EQ(h.reply().error, ErrorCode::kLimiterUnavailable);
  EXPECT_EQ(h.reply().detail, "rate_limit: 10.0.0.5: connection refused");
}

TEST(RateLimitTest, OrCountsByItself) {
  FilterHarness h(RateLimit(), std::string(kStored) + "local, burst: 3}");
  int passed = 0;
  for (int i = 0; i < 5; ++i) {
    h.Get();
    h.AnswerScript(Away());
    h.Turn();
    passed += h.forwarded() ? 1 : 0;
  }
  EXPECT_EQ(passed, 3);
  EXPECT_EQ(h.reply().status, 429);
}

TEST(RateLimitTest, Mistakes) {
  EXPECT_EQ(FilterHarness(RateLimit(), "{rate: 10, cost: 3, headers: all}").diagnostics(),
            "filter.yaml:1:8: rate: expected a rate such as 100/s or 1000/m, got \"10\"; the "
            "period is missing (did you mean \"10/s\"?)\n"
            "filter.yaml:1:30: headers: unknown value \"all\"; one of: limited, always, off\n");
  EXPECT_EQ(FilterHarness(RateLimit(), "{key: client_ip}").diagnostics(),
            "filter.yaml:1:1: needs a rate, such as 100/s\n");
  EXPECT_EQ(
      FilterHarness(RateLimit(), "{rate: 2/s, cost: 3, on_store_failure: deny}").diagnostics(),
      "filter.yaml:1:8: rate: the burst is 2, so a request of cost 3 could never pass\n"
      "filter.yaml:1:40: on_store_failure: needs a `store` that could fail\n");
}

}  // namespace
}  // namespace gatehouse::filters
