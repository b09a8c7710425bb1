// SPDX-License-Identifier: Apache-2.0
// Things that come and go, and what is counted of them.
#include <gtest/gtest.h>
#include <malloc.h>
#include <time.h>

#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "source/observe/metrics.h"

namespace gatehouse::observe {
namespace {

using Blocks = std::vector<std::shared_ptr<const MetricBlock>>;

enum class Thing : uint32_t { kSeen, kOpen, kSmall, kLarge, kTook, kEnd = kTook + kHistogramCells };
using ThingSeries = SeriesOf<Thing>;

constexpr MetricSpec kSeries[] = {
    {MetricKind::kCounter, static_cast<uint32_t>(Thing::kSeen), "things_seen_total", "Seen."},
    {MetricKind::kGauge, static_cast<uint32_t>(Thing::kOpen), "things_open", "Open."},
    {MetricKind::kCounter, static_cast<uint32_t>(Thing::kSmall), "things_sized_total", "Sized.",
     "size", "s", Shown::kOnceCounted},
    {MetricKind::kCounter, static_cast<uint32_t>(Thing::kLarge), "things_sized_total", "Sized.",
     "size", "xl", Shown::kOnceCounted},
    {MetricKind::kHistogram, static_cast<uint32_t>(Thing::kTook), "things_took_seconds", "Took.",
     "", "", Shown::kOnceCounted},
};
constexpr MetricSchema kThings = {"thing", kSeries, static_cast<uint32_t>(Thing::kEnd), true};

// "c0", "c1" ...
std::vector<std::string> Names(const std::string& prefix, size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(prefix + std::to_string(i));
  }
  return out;
}

Blocks Define(Metrics& metrics, const std::vector<std::string>& names,
              const MetricSchema& schema = kThings) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  return metrics.Define(schema, views);
}

class MetricBlocksTest : public testing::Test {
 protected:
  Metrics metrics_;
  MetricTable& one_ = metrics_.AddTable();
  MetricTable& two_ = metrics_.AddTable();
};

TEST_F(MetricBlocksTest, ANameHasOneBlockHoweverOftenItIsDefined) {
  const Blocks first = Define(metrics_, {"b", "a", "b"});
  EXPECT_EQ(first[0], first[2]);
  EXPECT_NE(first[0], first[1]);
  const Blocks again = Define(metrics_, {"c", "a"});
  EXPECT_EQ(again[1], first[1]);
  EXPECT_EQ(first[1]->name(), "a");
}

TEST_F(MetricBlocksTest, ShowsWhatWasCounted) {
  const Blocks blocks = Define(metrics_, {"web \"1\"", "idle"});
  const ThingSeries web(*blocks[0]);
  one_.Add(web[Thing::kSeen], 2);
  two_.Add(web[Thing::kSeen]);
  two_.Add(web[Thing::kLarge], 5);
  one_.Observe(web[Thing::kTook], std::chrono::microseconds(10));
  two_.Observe(web[Thing::kTook], std::chrono::milliseconds(1500));
  const std::string text = metrics_.Prometheus();
  const size_t histogram = text.find("# HELP things_took_seconds");
  EXPECT_EQ(text.substr(0, histogram),
            "# HELP things_open Open.\n"
            "# TYPE things_open gauge\n"
            "things_open{thing=\"web \\\"1\\\"\"} 0\n"
            "# HELP things_seen_total Seen.\n"
            "# TYPE things_seen_total counter\n"
            "things_seen_total{thing=\"idle\"} 0\n"
            "things_seen_total{thing=\"web \\\"1\\\"\"} 3\n"
            "# HELP things_sized_total Sized.\n"
            "# TYPE things_sized_total counter\n"
            "things_sized_total{size=\"xl\",thing=\"web \\\"1\\\"\"} 5\n");
  const auto has = [&](std::string_view line) {
    return text.find("things_took_seconds" + std::string(line)) != std::string::npos;
  };
  EXPECT_TRUE(has("_bucket{thing=\"web \\\"1\\\"\",le=\"1e-05\"} 1\n")) << text;
  EXPECT_TRUE(has("_bucket{thing=\"web \\\"1\\\"\",le=\"1\"} 1\n"));
  EXPECT_TRUE(has("_bucket{thing=\"web \\\"1\\\"\",le=\"2.5\"} 2\n"));
  EXPECT_TRUE(has("_bucket{thing=\"web \\\"1\\\"\",le=\"+Inf\"} 2\n"));
  EXPECT_TRUE(has("_sum{thing=\"web \\\"1\\\"\"} 1.50001\n"));
  EXPECT_TRUE(has("_count{thing=\"web \\\"1\\\"\"} 2\n"));
  EXPECT_EQ(metrics_.Sum("things_took_seconds_count", {{"thing", "web \"1\""}}), 2);
  EXPECT_EQ(metrics_.Sum("things_sized_total", {{"thing", "web \"1\""}, {"size", "xl"}}), 5);
  EXPECT_EQ(metrics_.Json("took_seconds_sum"),
            "{\n\"things_took_seconds_sum{thing=\\\"web \\\\\\\"1\\\\\\\"\\\"}\": 1.50001\n}\n");
}

TEST_F(MetricBlocksTest, CountingGoesOnAsLongAsAnybodyHoldsTheBlock) {
  Blocks old = Define(metrics_, {"a"});
  one_.Add(ThingSeries(*old[0])[Thing::kSeen], 7);
  Blocks next = Define(metrics_, {"a", "b"});
  old.clear();
  EXPECT_EQ(metrics_.Sum("things_seen_total", {{"thing", "a"}}), 7);
  next.clear();
  EXPECT_EQ(metrics_.Prometheus(), "");
  next = Define(metrics_, {"a"});
  EXPECT_EQ(metrics_.Sum("things_seen_total", {{"thing", "a"}}), 0);
}

TEST_F(MetricBlocksTest, CellsAreUsedAgainAndBeginAtNothing) {
  std::set<uint32_t> cells;
  Blocks held;
  for (int round = 0; round < 1000; ++round) {
    Blocks next = Define(metrics_, Names("round" + std::to_string(round) + "-", 10));
    held = std::move(next);
    for (const auto& block : held) {
      const ThingSeries series(*block);
      cells.insert(block->first().index);
      ASSERT_EQ(metrics_.Sum(series[Thing::kSeen]), 0);
      one_.Add(series[Thing::kSeen], 3);
      two_.Observe(series[Thing::kTook], std::chrono::seconds(1));
      ASSERT_EQ(metrics_.Sum("things_took_seconds_count", {{"thing", block->name()}}), 1);
    }
  }
  EXPECT_LE(cells.size(), 20u);  // Of two rounds at a time.
}

TEST_F(MetricBlocksTest, SeriesOfOneBlockAreInOneChunk) {
  for (const auto& block : Define(metrics_, Names("t", 100))) {
    const uint32_t first = block->first().index;
    EXPECT_EQ(first / MetricTable::kChunk, (first + kThings.cells - 1) / MetricTable::kChunk);
  }
}

TEST_F(MetricBlocksTest, WithoutRoomNothingIsCountedAndNothingShown) {
  static constexpr MetricSpec kOne = {MetricKind::kCounter, 0, "wide_total", "Wide."};
  static constexpr MetricSchema kWide = {"wide", {&kOne, 1}, MetricTable::kChunk};
  const Blocks blocks =
      Define(metrics_, Names("", MetricTable::kMaxCells / MetricTable::kChunk), kWide);
  EXPECT_TRUE(blocks.front()->counts());
  EXPECT_FALSE(Define(metrics_, {"another"}, kWide)[0]->counts());
  const Blocks more = Define(metrics_, {"more"});
  EXPECT_FALSE(more[0]->counts());
  one_.Add(ThingSeries(*more[0])[Thing::kSeen]);
  EXPECT_EQ(metrics_.Prometheus().find("things_seen_total{"), std::string::npos);
}

TEST_F(MetricBlocksTest, ThingsComeAndGoWhileOthersCountAndAsk) {
  std::atomic<bool> done{false};
  std::atomic<uint64_t> asked{0};
  Blocks kept = Define(metrics_, {"kept"});
  std::thread worker([&] {
    while (!done.load()) {
      one_.Add(ThingSeries(*kept[0])[Thing::kSeen]);
      one_.Observe(ThingSeries(*kept[0])[Thing::kTook], std::chrono::milliseconds(1));
    }
  });
  std::thread scraper([&] {
    int64_t last = 0;
    while (!done.load()) {
      const int64_t now = metrics_.Sum("things_seen_total", {{"thing", "kept"}});
      EXPECT_GE(now, last);
      last = now;
      asked.fetch_add(1);
    }
  });
  Blocks current;
  for (int round = 0; round < 300 || asked.load() < 20; ++round) {
    std::vector<std::string> names = Names(std::to_string(round % 7) + "-", 20);
    names.push_back("kept");
    Blocks next = Define(metrics_, names);
    EXPECT_EQ(next.back(), kept[0]);
    for (const auto& block : next) {
      two_.Add(ThingSeries(*block)[Thing::kOpen]);
    }
    current = std::move(next);
  }
  done = true;
  worker.join();
  scraper.join();
}

// What ten thousand clusters and twenty thousand routes with names of their own cost, and what it
// takes to put them into words once all have served.
class ManyMetricsTest : public testing::Test {
 protected:
  static constexpr size_t kMany = 10'000;
  Metrics metrics_;
  MetricTable& table_ = metrics_.AddTable();
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPlain = false;
#else
constexpr bool kPlain = true;
#endif

TEST_F(ManyMetricsTest, CostLittleMemoryBeforeTheyServe) {
  static constexpr MetricSchema kRoutes = {"route", {kSeries, 4}, 6, true};
  const std::vector<std::string> clusters = Names("cluster-", kMany);
  const std::vector<std::string> routes = Names("route-", 2 * kMany);
  const size_t before = mallinfo2().uordblks;
  const Blocks held = Define(metrics_, clusters);
  const Blocks more = Define(metrics_, routes, kRoutes);
  const size_t bytes = (mallinfo2().uordblks - before) / kMany;
  RecordProperty("bytes_per_cluster_and_two_routes", static_cast<int>(bytes));
  std::printf("%zu bytes per cluster and two routes\n", bytes);
  if (kPlain) {
    EXPECT_GT(bytes, 100u);
    EXPECT_LT(bytes, 600u);
  }
}

TEST_F(ManyMetricsTest, TakeMillisecondsToAsk) {
  const Blocks held = Define(metrics_, Names("route-", kMany));
  for (const auto& block : held) {
    const ThingSeries series(*block);
    table_.Add(series[Thing::kSeen]);
    table_.Add(series[Thing::kSmall]);
    table_.Observe(series[Thing::kTook], std::chrono::milliseconds(1));
  }
  timespec begin{};
  timespec end{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  const std::string text = metrics_.Prometheus();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
  const double milliseconds = static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                              static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e6;
  std::printf("%zu bytes of text in %.1f ms\n", text.size(), milliseconds);
  EXPECT_GT(text.size(), kMany * 20 * 50);
#ifdef __OPTIMIZE__
  if (kPlain) {
    EXPECT_LT(milliseconds, 200);
  }
#endif
}

}  // namespace
}  // namespace gatehouse::observe
