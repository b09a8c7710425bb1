// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/limit_rates.h"

#include <gtest/gtest.h>

#include <vector>

#include "source/filters/traffic/limit_fields.h"
#include "test/config/loaded.h"

namespace gatehouse::filters {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParseRateTest, Rates) {
  for (const auto& [text, amount, period] : std::vector<std::tuple<const char*, int, Duration>>{
           {"100/s", 100, seconds(1)},
           {"1000/m", 1000, minutes(1)},
           {"5/h", 5, hours(1)},
           {"1/d", 1, hours(24)},
           {"10/5s", 10, seconds(5)},
           {"1/90d", 1, hours(24 * 90)},
           {"1000000/s", 1'000'000, seconds(1)},
       }) {
    const Result<LimitRate> rate = ParseRate(text);
    ASSERT_TRUE(rate) << text;
    EXPECT_EQ(rate->amount, amount);
    EXPECT_EQ(rate->period, period);
    EXPECT_EQ(rate->burst, rate->amount);
    EXPECT_EQ(FormatRate(*rate), text);
  }
  EXPECT_EQ(FormatRate(*ParseRate("10/1s")), "10/s");
  EXPECT_EQ(FormatRate(*ParseRate("10/60s")), "10/m");
}

TEST(ParseRateTest, Mistakes) {
  for (const auto& [text, message, suggestion] :
       std::vector<std::tuple<const char*, const char*, const char*>>{
           {"", "expected a rate such as 100/s or 1000/m, got \"\"", ""},
           {"fast", "expected a rate such as 100/s or 1000/m, got \"fast\"", ""},
           {"100", "expected a rate such as 100/s or 1000/m, got \"100\"; the period is missing",
            "100/s"},
           {"-1/s", "expected a rate such as 100/s or 1000/m, got \"-1/s\"", ""},
           {"100r/s", "expected a rate such as 100/s or 1000/m, got \"100r/s\"", "100/s"},
           {"100 per minute", "expected a rate such as 100/s or 1000/m, got \"100 per minute\"",
            "100/m"},
           {"100rps", "expected a rate such as 100/s or 1000/m, got \"100rps\"", "100/s"},
           {"5/hour",
            "expected a rate such as 100/s or 1000/m, got \"5/hour\"; the period is one of s, m, "
            "h, d, or some of them: 5s",
            "5/h"},
           {"5/0s", "expected a rate such as 100/s or 1000/m, got \"5/0s\"; the period is empty",
            ""},
           {"0/s",
            "expected a rate such as 100/s or 1000/m, got \"0/s\"; that lets nothing through, for "
            "which there is rbac",
            ""},
           {"10000001/s",
            "expected a rate such as 100/s or 1000/m, got \"10000001/s\"; the fastest rate is "
            "10000000/s",
            ""},
           {"99999999999999999999/s",
            "expected a rate such as 100/s or 1000/m, got \"99999999999999999999/s\"; it is too "
            "large",
            ""},
           {"1/367d",
            "expected a rate such as 100/s or 1000/m, got \"1/367d\"; the period is one of s, m, "
            "h, d, or some of them: 5s",
            ""},
       }) {
    const Result<LimitRate> rate = ParseRate(text);
    ASSERT_FALSE(rate) << text;
    EXPECT_EQ(rate.error().message, message);
    EXPECT_EQ(SuggestRate(text), suggestion) << text;
  }
}

LimitRates Load(const config::Loaded& loaded, uint64_t cost = 1) {
  config::Object in = loaded.document->Root();
  return LimitRates::Load(in, cost);
}

TEST(LimitRatesTest, ByWhatTheCallerIs) {
  const config::Loaded loaded(
      "rate: 10/s\n"
      "rates: {by: groups, values: {gold: {rate: 100/s, burst: 300}, silver: 50/s}}\n");
  const LimitRates rates = Load(loaded);
  EXPECT_EQ(loaded.Errors(), "");
  const auto rate_of = [&](std::vector<std::string_view> groups) {
    const observe::Identity identity{.filter = "jwt", .subject = "ann", .groups = groups};
    return rates.all()[rates.IndexOf(&identity)];
  };
  EXPECT_EQ(rate_of({"gold"}), (LimitRate{100, seconds(1), 300}));
  EXPECT_EQ(rate_of({"staff", "silver", "gold"}), (LimitRate{50, seconds(1), 50}));
  EXPECT_EQ(rate_of({"bronze"}), (LimitRate{10, seconds(1), 10}));
  EXPECT_EQ(rates.IndexOf(nullptr), 0);
  EXPECT_TRUE(rates.OfIdentity());
}

TEST(LimitRatesTest, Mistakes) {
  const config::Loaded loaded(
      "rate: 10/m\n"
      "burst: 4\n"
      "rates: {by: plan, values: {a: 3/s, b: {rate: 5}, c: {rate: 1/d, burst: 400}}}\n");
  Load(loaded, 5);
  EXPECT_EQ(loaded.Errors(),
            "f.yaml:2:8: burst: the burst is 4, so a request of cost 5 could never pass\n"
            "f.yaml:3:13: rates.by: expected subject, kind, filter, groups, claims.NAME or "
            "attributes.NAME, got \"plan\"\n"
            "f.yaml:3:28: rates.values.a: the burst is 3, so a request of cost 5 could never pass\n"
            "f.yaml:3:46: rates.values.b.rate: expected a rate such as 100/s or 1000/m, got \"5\"; "
            "the period is missing (did you mean \"5/s\"?)\n"
            "f.yaml:3:72: rates.values.c.burst: the burst takes more than 366 days to come back at "
            "1/d\n");
}

TEST(LimitFieldsTest, WhatClientsAreTold) {
  ArenaPool pool;
  Arena arena(pool);
  const LimitFields fields("per \"ip\"\xc3\xa9");
  const LimitRate rate{100, minutes(1), 200};
  EXPECT_EQ(fields.Policy(rate), "\"per \\\"ip\\\"??\";q=100;w=60");
  EXPECT_EQ(fields.State(rate, {.remaining = 42, .reset = milliseconds(1500)}, arena),
            "\"per \\\"ip\\\"??\";r=42;t=2");
  EXPECT_EQ(fields.State(rate, {.remaining = 150}, arena), "\"per \\\"ip\\\"??\";r=100;t=0");
  EXPECT_EQ(RetryAfter(milliseconds(1)), "1");
  EXPECT_EQ(RetryAfter(milliseconds(2001)), "3");
}

}  // namespace
}  // namespace gatehouse::filters
