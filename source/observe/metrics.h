// SPDX-License-Identifier: Apache-2.0
// Counters and gauges: named once on the control thread, written without atomics' cost by one
// worker each, summed when somebody asks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::observe {

// Names one time series in every table. One that nobody defined counts where nobody looks.
struct MetricId {
  uint32_t index = 0;
};

// The values of one thread. Written by its owner only, read by anyone (relaxed).
class MetricTable {
 public:
  static constexpr size_t kChunk = 512;
  static constexpr size_t kMaxChunks = 4096;

  MetricTable() = default;
  MetricTable(const MetricTable&) = delete;
  MetricTable& operator=(const MetricTable&) = delete;
  ~MetricTable();

  // Owner thread. Gauges may go down: Add(id, -1).
  void Add(MetricId id, int64_t amount = 1) {
    std::atomic<int64_t>& cell = Cell(id);
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void Set(MetricId id, int64_t value) { Cell(id).store(value, std::memory_order_relaxed); }
  // Any thread.
  int64_t Get(MetricId id) const;

 private:
  friend class Metrics;
  using Chunk = std::array<std::atomic<int64_t>, kChunk>;
  std::atomic<int64_t>& Cell(MetricId id) {
    return (*chunks_[id.index / kChunk].load(std::memory_order_acquire))[id.index % kChunk];
  }
  // Metrics' thread: makes room for `count` series before any of their ids is published.
  void Extend(size_t count);

  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
};

enum class MetricKind : uint8_t { kCounter, kGauge };

using Labels = std::vector<std::pair<std::string, std::string>>;

// The names of all series and the tables that hold their values. Any thread: names are defined
// where configuration is compiled and read where somebody asks, and neither is what a worker does.
class Metrics {
 public:
  // The id of the series (`name`, `labels`), made when it is new. `name` follows Prometheus:
  // gatehouse_..._total for counters. The same name always has the same kind and help.
  MetricId Define(MetricKind kind, std::string_view name, std::string_view help,
                  const Labels& labels = {});
  MetricId Counter(std::string_view name, std::string_view help, const Labels& labels = {}) {
    return Define(MetricKind::kCounter, name, help, labels);
  }
  MetricId Gauge(std::string_view name, std::string_view help, const Labels& labels = {}) {
    return Define(MetricKind::kGauge, name, help, labels);
  }

  // A table per worker, living as long as this object, which makes room in it for new series.
  MetricTable& AddTable();

  int64_t Sum(MetricId id) const;
  // The sum of a series by name and labels; 0 when there is none. For tests and admin.
  int64_t Sum(std::string_view name, const Labels& labels = {}) const;

  // Prometheus text format 0.0.4: HELP and TYPE once a family, families by name.
  std::string Prometheus() const;
  // {"name{labels}": value}, names containing `filter` only.
  std::string Json(std::string_view filter) const;

 private:
  struct Series {
    std::string labels;  // {a="b"}, or empty.
    MetricId id;
  };
  struct Family {
    MetricKind kind = MetricKind::kCounter;
    std::string help;
    std::vector<Series> series;
    std::map<std::string, size_t, std::less<>> by_labels;
  };
  // Holds the names still while a thread looks at them or adds to them.
  class Hold;

  int64_t SumOf(MetricId id) const;

  mutable std::atomic_flag held_ = ATOMIC_FLAG_INIT;
  std::map<std::string, Family, std::less<>> families_;
  std::vector<std::unique_ptr<MetricTable>> tables_;
  uint32_t count_ = 1;  // Index 0 is nobody's.
};

}  // namespace gatehouse::observe
