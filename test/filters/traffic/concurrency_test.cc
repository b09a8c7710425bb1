// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Filter;
using pipeline::FilterHarness;
using pipeline::HarnessFields;

// Filters of requests that are in flight beside the harness' own one.
class Others {
 public:
  explicit Others(FilterHarness& h) : h_(h) {}
  bool Enter() {
    Filter* filter = h_.definition().NewFilter(h_.stream());
    const bool in = filter->OnRequestHeaders(h_.request(), h_.stream()) == Action::kContinue;
    filters_.push_back(filter);
    return in;
  }
  void LeaveAll() {
    for (Filter* filter : filters_) {
      filter->OnStreamEnd(h_.stream().info(), h_.stream());
    }
    filters_.clear();
  }

 private:
  FilterHarness& h_;
  std::vector<Filter*> filters_;
};

std::string InFlight(FilterHarness& h) {
  const std::string state = h.definition().State();
  return state.substr(state.find("\"in_flight\""));
}

TEST(ConcurrencyTest, AsManyAsMayBe) {
  FilterHarness h(Concurrency(), "{type: concurrency, max: 2}", {.name = "few"});
  EXPECT_EQ(h.diagnostics(), "");
  h.Get();
  EXPECT_TRUE(h.forwarded());
  Others others(h);
  EXPECT_TRUE(others.Enter());
  EXPECT_FALSE(others.Enter());
  EXPECT_EQ(h.reply().status, 429);
  EXPECT_EQ(h.reply().error, ErrorCode::kConcurrencyLimited);
  EXPECT_EQ(h.reply().detail, "few: 2 requests are in flight");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"retry-after", "1"}}));
  EXPECT_EQ(InFlight(h), "\"in_flight\": 2}") << "who is refused never was";
  others.LeaveAll();
  EXPECT_EQ(InFlight(h), "\"in_flight\": 1}");
  h.End();
  EXPECT_EQ(InFlight(h), "\"in_flight\": 0}");
  EXPECT_EQ(h.Counter("allowed"), 2);
  EXPECT_EQ(h.Counter("limited"), 1);
}

TEST(ConcurrencyTest, EveryEndGivesBack) {
  FilterHarness h(Concurrency(), "{max: 1}");
  for (const ErrorCode error : {ErrorCode::kNone, ErrorCode::kClientGone, ErrorCode::kUpstreamReset,
                                ErrorCode::kResponseTimeout}) {
    h.Get();
    EXPECT_TRUE(h.forwarded());
    h.End(error);
    EXPECT_EQ(InFlight(h), "\"in_flight\": 0}");
  }
}

TEST(ConcurrencyTest, EachKeyHasItsOwn) {
  FilterHarness h(Concurrency(), "{max: 1, key: {header: x-tenant}}");
  h.Get("/", {{"x-tenant", "a"}});
  EXPECT_TRUE(h.forwarded());
  Others others(h);
  EXPECT_FALSE(others.Enter());
  h.request().headers.Set("x-tenant", "b");
  EXPECT_TRUE(others.Enter());
  EXPECT_EQ(h.definition().Explain(h.request(), h.stream().info()),
            "at most 1 in flight, key {header: x-tenant}; 1 now, so it is limited");
  others.LeaveAll();
}

TEST(ConcurrencyTest, DryRunCountsThemAll) {
  FilterHarness h(Concurrency(), "{max: 1, dry_run: true}");
  h.Get();
  Others others(h);
  EXPECT_TRUE(others.Enter());
  EXPECT_TRUE(others.Enter());
  EXPECT_EQ(h.Counter("would_limit"), 2);
  EXPECT_EQ(InFlight(h), "\"in_flight\": 3}");
  others.LeaveAll();
  h.End();
  EXPECT_EQ(InFlight(h), "\"in_flight\": 0}");
}

TEST(ConcurrencyTest, WhatIsInFlightOutlivesItsDefinition) {
  FilterHarness h(Concurrency(), "{max: 2}");
  h.Get();
  Others others(h);
  EXPECT_TRUE(others.Enter());
  EXPECT_FALSE(h.Reload("{max: 3}"));
  Others later(h);
  EXPECT_TRUE(later.Enter());
  EXPECT_FALSE(later.Enter()) << "the two from before count";
  h.Override("max: 1");
  EXPECT_FALSE(later.Enter()) << "and those of other routes";
  others.LeaveAll();
  later.LeaveAll();
}

TEST(ConcurrencyTest, Mistakes) {
  EXPECT_EQ(FilterHarness(Concurrency(), "{max: 0, keys: route}").diagnostics(),
            "filter.yaml:1:7: max: must be between 1 and 16777214, got 0\n"
            "filter.yaml:1:10: keys: unknown key (did you mean \"key\"?)\n");
  EXPECT_EQ(FilterHarness(Concurrency(), "{key: route}").diagnostics(),
            "filter.yaml:1:1: needs `max`, such as 100\n");
}

}  // namespace
}  // namespace gatehouse::filters
