// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/breaker_metrics.h"

#include <array>

#include "source/observe/exposition.h"

namespace gatehouse::upstream {
namespace {

using observe::MetricKind;
using observe::MetricSpec;

enum class Cell : uint32_t {
  kState,
  kOpened,
  kHalfOpened,
  kClosed,
  kRejected,
  kTrialsGood,
  kTrialsFailed,
  kTrialsVoid,
  kEnd,
};

constexpr MetricSpec Counter(Cell cell, std::string_view name, std::string_view help,
                             std::string_view label = {}, std::string_view value = {}) {
  return {MetricKind::kCounter, static_cast<uint32_t>(cell), name, help, label, value};
}

constexpr std::string_view kChanges = "gatehouse_cluster_breaker_transitions_total";
constexpr std::string_view kChangesHelp = "Changes of a circuit breaker's state.";
constexpr std::string_view kTrials = "gatehouse_cluster_breaker_trials_total";
constexpr std::string_view kTrialsHelp = "Requests that a half-open circuit breaker let try.";

constexpr std::array kSeries = {
    MetricSpec{MetricKind::kGauge, static_cast<uint32_t>(Cell::kState),
               "gatehouse_cluster_breaker_state",
               "State of a circuit breaker: 0 closed, 1 half-open, 2 open."},
    Counter(Cell::kOpened, kChanges, kChangesHelp, "to", "open"),
    Counter(Cell::kHalfOpened, kChanges, kChangesHelp, "to", "half_open"),
    Counter(Cell::kClosed, kChanges, kChangesHelp, "to", "closed"),
    Counter(Cell::kRejected, "gatehouse_cluster_breaker_rejected_total",
            "Requests that a circuit breaker kept from the cluster."),
    Counter(Cell::kTrialsGood, kTrials, kTrialsHelp, "result", "good"),
    Counter(Cell::kTrialsFailed, kTrials, kTrialsHelp, "result", "failed"),
    Counter(Cell::kTrialsVoid, kTrials, kTrialsHelp, "result", "none"),
};

constexpr observe::MetricSchema kSchema = {"", kSeries, static_cast<uint32_t>(Cell::kEnd), false};

}  // namespace

const observe::MetricSchema& BreakerSchema() { return kSchema; }

std::string BreakerBlockName(const std::string& cluster, const Breaker::Labels& labels) {
  observe::Labels out{{"cluster", cluster}};
  std::string text;
  for (const auto& [key, value] : labels) {
    text.append(text.empty() ? "" : ",").append(key).append("=").append(value);
  }
  if (!text.empty()) {
    out.emplace_back("labels", std::move(text));
  }
  return observe::LabelText(std::move(out));
}

void ShowBreaker(const Breaker& breaker, observe::MetricTable& table) {
  if (breaker.metric_block() == nullptr || !breaker.metric_block()->counts()) {
    return;
  }
  const observe::SeriesOf<Cell> series(*breaker.metric_block());
  const BreakerTotals totals = breaker.Totals();
  const auto set = [&](Cell cell, uint64_t value) {
    table.Set(series[cell], static_cast<int64_t>(value));
  };
  set(Cell::kState, static_cast<uint64_t>(breaker.state()));
  set(Cell::kOpened, totals.opened);
  set(Cell::kHalfOpened, totals.half_opened);
  set(Cell::kClosed, totals.closed);
  set(Cell::kRejected, totals.rejected);
  set(Cell::kTrialsGood, totals.trials_good);
  set(Cell::kTrialsFailed, totals.trials_failed);
  set(Cell::kTrialsVoid, totals.trials_void);
}

}  // namespace gatehouse::upstream
