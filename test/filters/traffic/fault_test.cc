// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using std::chrono::milliseconds;

TEST(FaultTest, ADelayedRequestGoesOnLater) {
  FilterHarness h(Fault(), "delay: {duration: 200ms}");
  h.Get();
  EXPECT_TRUE(h.paused());
  h.Advance(milliseconds(199));
  EXPECT_FALSE(h.forwarded());
  h.Advance(milliseconds(1));
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.Counter("delayed"), 1);
}

TEST(FaultTest, AnAbortedOneIsAnswered) {
  FilterHarness h(Fault(), "abort: {status: 418}");
  h.Get();
  EXPECT_FALSE(h.forwarded());
  EXPECT_EQ(h.reply().status, 418);
  EXPECT_EQ(h.reply().error, ErrorCode::kFaultInjected);
  EXPECT_EQ(h.reply().detail, "fault makes it fail");
  EXPECT_EQ(h.Counter("aborted"), 1);
}

TEST(FaultTest, ADelayComesBeforeAnAbort) {
  FilterHarness h(Fault(), "{delay: {duration: 1s}, abort: {status: 503}}");
  h.Get();
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.reply().status, 0);
  h.Advance(std::chrono::seconds(1));
  EXPECT_EQ(h.reply().status, 503);
  EXPECT_FALSE(h.forwarded());
}

TEST(FaultTest, PercentagesAreKept) {
  FilterHarness h(Fault(), "abort: {status: 500, percentage: 12.5}");
  constexpr int kRequests = 20000;
  for (int i = 0; i < kRequests; ++i) {
    h.Get();
  }
  // Five standard deviations.
  EXPECT_NEAR(static_cast<double>(h.Counter("aborted")), kRequests * 0.125, 235);
}

TEST(FaultTest, NoneAndAllAreExact) {
  FilterHarness h(Fault(),
                  "{abort: {status: 500, percentage: 0}, delay: {duration: 1ms, percentage: 0}}");
  for (int i = 0; i < 1000; ++i) {
    h.Get();
    ASSERT_TRUE(h.forwarded());
  }
}

TEST(FaultTest, OnlyTheRequestsThatAreMeant) {
  FilterHarness h(Fault(), "{abort: {}, when: {headers: {x-chaos: 'on', x-team: {prefix: pay}}}}");
  h.Get("/", {{"x-chaos", "on"}});
  EXPECT_TRUE(h.forwarded());
  h.Get("/", {{"x-chaos", "on"}, {"x-team", "payments"}});
  EXPECT_EQ(h.reply().status, 503);
}

TEST(FaultTest, RequestsMayAskForTheirs) {
  FilterHarness h(Fault(), "{by_header: true, max_delay: 2s}");
  h.Get("/", {{"x-gatehouse-fault-abort", "429"}});
  EXPECT_EQ(h.reply().status, 429);
  h.Get("/", {{"x-gatehouse-fault-delay", "1h"}});
  EXPECT_TRUE(h.paused());
  h.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(h.forwarded()) << "no longer than max_delay";
  EXPECT_EQ(h.RequestField("x-gatehouse-fault-delay"), std::nullopt);
}

TEST(FaultTest, WhatCantBeUnderstoodAsksForNothing) {
  FilterHarness h(Fault(), "by_header: true");
  for (const char* value : {"", "-1s", "1", "5 s", "99999999999999999999h", "1s,2s"}) {
    h.Get("/", {{"x-gatehouse-fault-delay", value}});
    EXPECT_TRUE(h.forwarded()) << value;
  }
  for (const char* value : {"", "0", "100", "199", "600", "abc", "+503", "4294967799"}) {
    h.Get("/", {{"x-gatehouse-fault-abort", value}});
    EXPECT_TRUE(h.forwarded()) << value;
  }
}

TEST(FaultTest, NobodyAsksUnlessTheyMay) {
  FilterHarness h(Fault(), "abort: {percentage: 0}");
  h.Get("/", {{"x-gatehouse-fault-abort", "500"}});
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-gatehouse-fault-abort"), "500");
}

TEST(FaultTest, SoManyWaitAtOnceAndNoMore) {
  FilterHarness h(Fault(), "{delay: {duration: 1h}, max_delayed: 1}");
  for (int i = 0; i < 3; ++i) {  // Each ends the one before, which then waits no longer.
    h.Get();
    EXPECT_TRUE(h.paused()) << i;
  }
  EXPECT_EQ(h.Counter("delayed"), 3);
  EXPECT_EQ(h.Counter("not_delayed"), 0);
}

TEST(FaultTest, ExplainsItself) {
  FilterHarness h(Fault(),
                  "{delay: {duration: 200ms, percentage: 10}, abort: {percentage: 0.5}, by_header: "
                  "true, when: {headers: {x-chaos: 'on'}}}");
  h.Get("/", {{"x-chaos", "on"}});
  EXPECT_EQ(h.definition().Explain(h.request(), h.facts()),
            "delays 10 % of such requests by 200ms, then answers 0.5 % of such requests with 503");
  h.Get();
  EXPECT_EQ(h.definition().Explain(h.request(), h.facts()),
            "leaves it alone: `when` does not hold");
}

}  // namespace
}  // namespace gatehouse::filters
