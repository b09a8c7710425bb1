// SPDX-License-Identifier: Apache-2.0
#include "source/observe/metrics.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "source/base/check.h"
#include "source/base/log.h"
#include "source/observe/exposition.h"

namespace gatehouse::observe {
namespace {

using Blocks = std::vector<std::shared_ptr<const MetricBlock>>;
using WeakBlocks = std::vector<std::weak_ptr<const MetricBlock>>;

bool ByName(const std::shared_ptr<const MetricBlock>& a,
            const std::shared_ptr<const MetricBlock>& b) {
  return a->name() < b->name();
}

Blocks LockAll(const WeakBlocks& weak) {
  Blocks out;
  out.reserve(weak.size());
  for (const std::weak_ptr<const MetricBlock>& one : weak) {
    if (std::shared_ptr<const MetricBlock> block = one.lock()) {
      out.push_back(std::move(block));
    }
  }
  return out;
}

}  // namespace

Metrics::Metrics() : directory_(std::make_shared<const Directory>()) {}

Metrics::~Metrics() = default;

MetricTable& Metrics::AddTable() {
  tables_.push_back(std::make_unique<MetricTable>());
  return *tables_.back();
}

std::shared_ptr<const Metrics::Directory> Metrics::Now() const {
  return std::atomic_load(&directory_);
}

std::shared_ptr<const MetricBlock> Metrics::NewBlock(const MetricSchema& schema,
                                                     std::string_view name) {
  const uint32_t first = cells_->Take(schema.cells);
  if (first == 0) {
    log::Warning("no room for another metric", {{"of", name}});
  }
  for (const std::unique_ptr<MetricTable>& table : tables_) {
    table->Clear({first}, schema.cells);
  }
  return std::make_shared<const MetricBlock>(std::string(name), first, schema.cells, cells_);
}

Blocks Metrics::Define(const MetricSchema& schema, std::span<const std::string_view> names) {
  auto next = std::make_shared<Directory>(*Now());
  auto entry = std::find_if(next->begin(), next->end(),
                            [&](const Names& one) { return one.schema == &schema; });
  if (entry == next->end()) {
    entry = next->insert(entry, {&schema, std::make_shared<const WeakBlocks>()});
  }
  Blocks known = LockAll(*entry->blocks);
  std::vector<uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return names[a] < names[b]; });
  Blocks out(names.size());
  Blocks added;
  auto at = known.begin();
  for (const uint32_t i : order) {
    at = std::find_if(at, known.end(), [&](const auto& one) { return one->name() >= names[i]; });
    if (at != known.end() && (*at)->name() == names[i]) {
      out[i] = *at;
    } else if (!added.empty() && added.back()->name() == names[i]) {
      out[i] = added.back();
    } else {
      out[i] = added.emplace_back(NewBlock(schema, names[i]));
    }
  }
  auto all = std::make_shared<WeakBlocks>();
  all->reserve(known.size() + added.size());
  std::merge(known.begin(), known.end(), added.begin(), added.end(), std::back_inserter(*all),
             ByName);
  entry->blocks = std::move(all);
  std::atomic_store(&directory_, std::shared_ptr<const Directory>(std::move(next)));
  return out;
}

const MetricSchema& Metrics::SchemaOf(MetricKind kind, std::string_view name,
                                      std::string_view help) {
  const auto known = std::find_if(families_.begin(), families_.end(),
                                  [&](const auto& one) { return one->name == name; });
  if (known != families_.end()) {
    GATEHOUSE_CHECK((*known)->series.kind == kind, "a metric has one kind");
    return (*known)->schema;
  }
  GATEHOUSE_CHECK(IsMetricName(name), "metric names follow Prometheus");
  auto family = std::make_unique<OwnFamily>();
  family->name = name;
  family->help = help;
  family->series = {.kind = kind, .name = family->name, .help = family->help};
  family->schema = {.label = {},
                    .series = {&family->series, 1},
                    .cells = kind == MetricKind::kHistogram ? kHistogramCells : 1};
  families_.push_back(std::move(family));
  return families_.back()->schema;
}

std::shared_ptr<const MetricBlock> Metrics::Define(MetricKind kind, std::string_view name,
                                                   std::string_view help, const Labels& labels) {
  return Define(kind, name, help, std::span<const Labels>(&labels, 1)).front();
}

Blocks Metrics::Define(MetricKind kind, std::string_view name, std::string_view help,
                       std::span<const Labels> labels) {
  std::vector<std::string> texts(labels.size());
  std::transform(labels.begin(), labels.end(), texts.begin(), LabelText);
  const std::vector<std::string_view> names(texts.begin(), texts.end());
  return Define(SchemaOf(kind, name, help), names);
}

MetricId Metrics::Keep(std::shared_ptr<const MetricBlock> block) {
  return (*kept_.insert(std::move(block)).first)->first();
}

MetricId Metrics::Keep(MetricKind kind, std::string_view name, std::string_view help,
                       const Labels& labels) {
  return Keep(Define(kind, name, help, labels));
}

std::vector<MetricGroup> Metrics::Groups() const {
  std::vector<MetricGroup> out;
  const std::shared_ptr<const Directory> directory = Now();
  out.reserve(directory->size());
  for (const Names& names : *directory) {
    out.push_back({names.schema, LockAll(*names.blocks)});
    std::erase_if(out.back().blocks, [](const auto& block) { return !block->counts(); });
  }
  return out;
}

int64_t Metrics::Sum(MetricId id) const {
  int64_t sum = 0;
  for (const std::unique_ptr<MetricTable>& table : tables_) {
    sum += table->Get(id);
  }
  return sum;
}

}  // namespace gatehouse::observe
