// SPDX-License-Identifier: Apache-2.0
#include "source/observe/metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace gatehouse::observe {
namespace {

TEST(MetricsTest, SumsTheTablesOfAllWorkers) {
  Metrics metrics;
  MetricTable& one = metrics.AddTable();
  const MetricId id = metrics.Counter("gatehouse_things_total", "Things.");
  MetricTable& two = metrics.AddTable();
  one.Add(id, 2);
  two.Add(id);
  EXPECT_EQ(metrics.Sum(id), 3);
  EXPECT_EQ(metrics.Sum("gatehouse_things_total"), 3);
  EXPECT_EQ(metrics.Sum("gatehouse_other_total"), 0);
}

TEST(MetricsTest, GaugesGoDown) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  const MetricId id = metrics.Gauge("gatehouse_open", "Open ones.");
  table.Add(id, 5);
  table.Add(id, -7);
  EXPECT_EQ(metrics.Sum(id), -2);
  EXPECT_NE(metrics.Prometheus().find("\ngatehouse_open -2\n"), std::string::npos);
}

TEST(MetricsTest, TheSameSeriesIsDefinedOnce) {
  Metrics metrics;
  const MetricId id = metrics.Counter("a_total", "A.", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(metrics.Counter("a_total", "A.", {{"y", "2"}, {"x", "1"}}).index, id.index);
  EXPECT_NE(metrics.Counter("a_total", "A.", {{"x", "1"}}).index, id.index);
}

TEST(MetricsTest, SeriesThatComeLaterFitIntoOldTables) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  for (size_t i = 0; i < MetricTable::kChunk * 3; ++i) {
    table.Add(metrics.Counter("many_total", "Many.", {{"i", std::to_string(i)}}));
  }
  EXPECT_EQ(metrics.Sum("many_total", {{"i", "1500"}}), 1);
}

TEST(MetricsTest, PrometheusTextIsSortedAndEscaped) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  table.Add(metrics.Counter("gatehouse_b_total", "Second\nline \\ \"here\"."), 7);
  metrics.Counter("gatehouse_a_total", "First.", {{"filter", "z"}});
  table.Add(metrics.Counter("gatehouse_a_total", "First.", {{"filter", "a\"b\\c\nd"}}), 1);
  EXPECT_EQ(metrics.Prometheus(),
            "# HELP gatehouse_a_total First.\n"
            "# TYPE gatehouse_a_total counter\n"
            "gatehouse_a_total{filter=\"a\\\"b\\\\c\\nd\"} 1\n"
            "gatehouse_a_total{filter=\"z\"} 0\n"
            "# HELP gatehouse_b_total Second\\nline \\\\ \"here\".\n"
            "# TYPE gatehouse_b_total counter\n"
            "gatehouse_b_total 7\n");
}

TEST(MetricsTest, JsonHoldsWhatTheFilterAsksFor) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  table.Add(metrics.Counter("gatehouse_a_total", "A.", {{"x", "1"}}), 4);
  metrics.Counter("gatehouse_b_total", "B.");
  EXPECT_EQ(metrics.Json("_a_"), "{\n\"gatehouse_a_total{x=\\\"1\\\"}\": 4\n}\n");
  EXPECT_EQ(metrics.Json("nothing"), "{\n}\n");
}

TEST(MetricsTest, WhatNobodyDefinedCountsNowhere) {
  Metrics metrics;
  metrics.AddTable().Add(MetricId());
  EXPECT_EQ(metrics.Prometheus(), "");
}

TEST(MetricsTest, NamesAreDefinedWhileOthersAsk) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  std::thread compiler([&] {
    for (int i = 0; i < 2000; ++i) {
      table.Add(metrics.Counter("series_total", "Series.", {{"i", std::to_string(i)}}));
    }
  });
  while (metrics.Sum("series_total", {{"i", "1999"}}) == 0) {
    const std::string text = metrics.Prometheus();
    EXPECT_TRUE(text.empty() || text.starts_with("# HELP series_total Series.\n")) << text;
  }
  compiler.join();
}

TEST(MetricsTest, OneThreadWritesWhileAnotherReads) {
  Metrics metrics;
  MetricTable& table = metrics.AddTable();
  const MetricId id = metrics.Counter("a_total", "A.");
  std::thread writer([&] {
    for (int i = 0; i < 20'000; ++i) {
      table.Add(id);
    }
  });
  int64_t last = 0;
  while (last < 20'000) {
    const int64_t now = metrics.Sum(id);
    EXPECT_GE(now, last);
    last = now;
    metrics.Counter("more_total", "More.", {{"i", std::to_string(now % 1000)}});
  }
  writer.join();
}

}  // namespace
}  // namespace gatehouse::observe
