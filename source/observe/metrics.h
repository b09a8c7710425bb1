// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms: named where configuration is compiled, written without atomics'
// cost by one thread each, summed and put into words when somebody asks.
//
// What is counted of every thing of a kind (listener, route, cluster) is a schema, written down
// once. A thing adds a block to it: its name and its cells in the tables, as long as anybody holds
// the block. Names are rendered for those who ask, and kept nowhere but in the block.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/observe/metric_cells.h"
#include "source/observe/metric_table.h"

namespace gatehouse::observe {

enum class MetricKind : uint8_t {
  kCounter,
  kGauge,
  kSecondsCounter,  // Of nanoseconds, shown in seconds.
  kSecondsGauge,
  kHistogram,  // Of durations: MetricTable::Observe().
};

// When a series is shown.
enum class Shown : uint8_t { kAlways, kOnceCounted };

// One series of every thing of a kind. `name` follows Prometheus: gatehouse_..._total for counters.
struct MetricSpec {
  MetricKind kind = MetricKind::kCounter;
  uint32_t cell = 0;  // Within the thing's block.
  std::string_view name;
  std::string_view help;
  // Besides the thing's own label: code="2xx". Empty: none.
  std::string_view label{};
  std::string_view value{};
  Shown shown = Shown::kAlways;
};

// All that is counted of things of one kind. Series of the same name stand together.
struct MetricSchema {
  std::string_view label;  // "cluster"; empty when blocks' names are whole label lists.
  std::span<const MetricSpec> series;
  uint32_t cells = 1;
  // Of a thing of which nothing has been counted yet, only the first series is shown.
  bool quiet = false;
};

// One thing's name and cells. Freed for other things with the last pointer to it: whoever counts
// holds one, or something that does. Immutable; any thread.
class MetricBlock {
 public:
  MetricBlock(std::string name, uint32_t first, uint32_t cells, std::shared_ptr<MetricCells> owner)
      : name_(std::move(name)), first_(first), cells_(cells), owner_(std::move(owner)) {}
  ~MetricBlock() { owner_->GiveBack(first_, cells_); }
  MetricBlock(const MetricBlock&) = delete;
  MetricBlock& operator=(const MetricBlock&) = delete;

  const std::string& name() const { return name_; }
  MetricId first() const { return {first_}; }
  // False: there was no room, and what is counted is lost.
  bool counts() const { return first_ != 0; }

 private:
  const std::string name_;
  const uint32_t first_;
  const uint32_t cells_;
  const std::shared_ptr<MetricCells> owner_;
};

// The ids of one thing's series. `Series`: an enum of the cells of its schema. Without a block it
// counts where nobody looks. Keeps no block.
template <typename Series>
class SeriesOf {
 public:
  SeriesOf() = default;
  explicit SeriesOf(const MetricBlock& block) : first_(block.first().index) {}
  MetricId operator[](Series series) const { return {first_ + static_cast<uint32_t>(series)}; }

 private:
  uint32_t first_ = 0;
};

// The cells of one thing in one table, found once for several writes. The table's owner.
template <typename Series>
class CellsOf {
 public:
  CellsOf(MetricTable& table, SeriesOf<Series> series) : first_(&table.Cell(series[Series{}])) {}
  void Add(Series series, int64_t amount = 1) const { MetricTable::Raise(*At(series), amount); }
  void Observe(Series series, Duration duration) const {
    MetricTable::Observe(At(series), duration);
  }

 private:
  std::atomic<int64_t>* At(Series series) const { return first_ + static_cast<uint32_t>(series); }

  std::atomic<int64_t>* first_;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// All blocks of one schema, by name.
struct MetricGroup {
  const MetricSchema* schema = nullptr;
  std::vector<std::shared_ptr<const MetricBlock>> blocks;
};

// One thread at a time defines; any thread asks, and neither waits for the other.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The blocks of the things called `names`, in that order: those they have, as long as somebody
  // holds these, else new ones that begin at 0. `schema` lives as long as the process. Takes a few
  // milliseconds for ten thousand names, so they come at once.
  std::vector<std::shared_ptr<const MetricBlock>> Define(const MetricSchema& schema,
                                                         std::span<const std::string_view> names);
  // A family of its own with a series for each list of labels. The same name always has the same
  // kind and help.
  std::shared_ptr<const MetricBlock> Define(MetricKind kind, std::string_view name,
                                            std::string_view help, const Labels& labels);
  // The same for many lists of labels at once.
  std::vector<std::shared_ptr<const MetricBlock>> Define(MetricKind kind, std::string_view name,
                                                         std::string_view help,
                                                         std::span<const Labels> labels);
  // Keeps what Define() made for good.
  MetricId Keep(std::shared_ptr<const MetricBlock> block);
  MetricId Keep(MetricKind kind, std::string_view name, std::string_view help,
                const Labels& labels = {});
  MetricId Counter(std::string_view name, std::string_view help, const Labels& labels = {}) {
    return Keep(MetricKind::kCounter, name, help, labels);
  }
  MetricId Gauge(std::string_view name, std::string_view help, const Labels& labels = {}) {
    return Keep(MetricKind::kGauge, name, help, labels);
  }

  // A table, living as long as this object. Before other threads define or ask.
  MetricTable& AddTable();
  const std::vector<std::unique_ptr<MetricTable>>& tables() const { return tables_; }

  // What there is. Any thread.
  std::vector<MetricGroup> Groups() const;
  int64_t Sum(MetricId id) const;
  // The sum of a series by name and labels; 0 when it is not shown. Histograms have their
  // "..._count". For tests.
  int64_t Sum(std::string_view name, const Labels& labels = {}) const;

  // Prometheus text format 0.0.4: HELP and TYPE once a family, families by name.
  std::string Prometheus() const;
  // {"name{labels}": value}, of names containing `filter` only; histograms as _count and _sum.
  std::string Json(std::string_view filter) const;

 private:
  // A schema that was made up for one family, and what its views refer to.
  struct OwnFamily {
    std::string name;
    std::string help;
    MetricSpec series;
    MetricSchema schema;
  };
  // Replaced, never changed, so that who reads it needs nobody to wait.
  struct Names {
    const MetricSchema* schema = nullptr;
    std::shared_ptr<const std::vector<std::weak_ptr<const MetricBlock>>> blocks;  // By name.
  };
  using Directory = std::vector<Names>;

  std::shared_ptr<const Directory> Now() const;
  const MetricSchema& SchemaOf(MetricKind kind, std::string_view name, std::string_view help);
  std::shared_ptr<const MetricBlock> NewBlock(const MetricSchema& schema, std::string_view name);

  std::vector<std::unique_ptr<MetricTable>> tables_;
  // The thread that defines.
  std::shared_ptr<MetricCells> cells_ = std::make_shared<MetricCells>();
  std::vector<std::unique_ptr<const OwnFamily>> families_;
  std::set<std::shared_ptr<const MetricBlock>> kept_;
  // Swapped by std::atomic_store(), as Cluster's endpoints are.
  std::shared_ptr<const Directory> directory_;
};

}  // namespace gatehouse::observe
