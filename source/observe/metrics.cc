// SPDX-License-Identifier: Apache-2.0
#include "source/observe/metrics.h"

#include <algorithm>

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

// Metric names: [a-zA-Z_:][a-zA-Z0-9_:]*; label names have no colon.
bool IsName(std::string_view name, bool colon) {
  const auto valid = [&](char c) {
    const char lower = ToLower(c);
    return (lower >= 'a' && lower <= 'z') || c == '_' || IsDigit(c) || (colon && c == ':');
  };
  return !name.empty() && !IsDigit(name.front()) && std::all_of(name.begin(), name.end(), valid);
}

// Label values and help texts as the text format wants them: backslash, line feed and (in label
// values) double quote escaped.
void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
    } else if (c == '\\' || (quotes && c == '"')) {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out.push_back(c);
    }
  }
}

// {a="b",c="d"}, by name, so that the order in which labels are given doesn't matter.
std::string LabelText(Labels labels) {
  if (labels.empty()) {
    return {};
  }
  std::sort(labels.begin(), labels.end());
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    GATEHOUSE_CHECK(IsName(name, false), "label names follow Prometheus");
    out.append(out.size() > 1 ? "," : "").append(name).append("=\"");
    AppendEscaped(out, value, true);
    out.push_back('"');
  }
  out.push_back('}');
  return out;
}

void AppendInt(std::string& out, int64_t value) {
  if (value < 0) {
    out.push_back('-');
  }
  AppendUint(out, value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
}

}  // namespace

// Waits without spinning; what is done meanwhile takes a few milliseconds at most.
class Metrics::Hold {
 public:
  explicit Hold(const Metrics& metrics) : held_(metrics.held_) {
    while (held_.test_and_set(std::memory_order_acquire)) {
      held_.wait(true, std::memory_order_relaxed);
    }
  }
  ~Hold() {
    held_.clear(std::memory_order_release);
    held_.notify_one();
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  std::atomic_flag& held_;
};

MetricTable::~MetricTable() {
  for (std::atomic<Chunk*>& chunk : chunks_) {
    delete chunk.load(std::memory_order_relaxed);
  }
}

int64_t MetricTable::Get(MetricId id) const {
  const Chunk* chunk = chunks_[id.index / kChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : (*chunk)[id.index % kChunk].load(std::memory_order_relaxed);
}

void MetricTable::Extend(size_t count) {
  for (size_t i = 0; i * kChunk < count; ++i) {
    if (chunks_[i].load(std::memory_order_relaxed) == nullptr) {
      chunks_[i].store(new Chunk{}, std::memory_order_release);
    }
  }
}

MetricId Metrics::Define(MetricKind kind, std::string_view name, std::string_view help,
                         const Labels& labels) {
  const Hold hold(*this);
  auto at = families_.find(name);
  if (at == families_.end()) {
    GATEHOUSE_CHECK(IsName(name, true), "metric names follow Prometheus");
    at = families_.emplace(name, Family{kind, std::string(help), {}, {}}).first;
  }
  Family& family = at->second;
  GATEHOUSE_CHECK(family.kind == kind, "a metric has one kind");
  std::string text = LabelText(labels);
  if (const auto known = family.by_labels.find(text); known != family.by_labels.end()) {
    return family.series[known->second].id;
  }
  GATEHOUSE_CHECK(count_ < MetricTable::kChunk * MetricTable::kMaxChunks, "too many series");
  const MetricId id{count_++};
  for (const std::unique_ptr<MetricTable>& table : tables_) {
    table->Extend(count_);
  }
  family.by_labels.emplace(text, family.series.size());
  family.series.push_back({std::move(text), id});
  return id;
}

MetricTable& Metrics::AddTable() {
  const Hold hold(*this);
  tables_.push_back(std::make_unique<MetricTable>());
  tables_.back()->Extend(count_);
  return *tables_.back();
}

int64_t Metrics::Sum(MetricId id) const {
  const Hold hold(*this);
  return SumOf(id);
}

int64_t Metrics::SumOf(MetricId id) const {
  int64_t sum = 0;
  for (const std::unique_ptr<MetricTable>& table : tables_) {
    sum += table->Get(id);
  }
  return sum;
}

int64_t Metrics::Sum(std::string_view name, const Labels& labels) const {
  const Hold hold(*this);
  const auto family = families_.find(name);
  if (family == families_.end()) {
    return 0;
  }
  const auto series = family->second.by_labels.find(LabelText(labels));
  return series == family->second.by_labels.end() ? 0
                                                  : SumOf(family->second.series[series->second].id);
}

std::string Metrics::Prometheus() const {
  const Hold hold(*this);
  std::string out;
  for (const auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ");
    AppendEscaped(out, family.help, false);
    out.append("\n# TYPE ").append(name);
    out.append(family.kind == MetricKind::kCounter ? " counter\n" : " gauge\n");
    for (const auto& [labels, index] : family.by_labels) {
      out.append(name).append(labels).append(" ");
      AppendInt(out, SumOf(family.series[index].id));
      out.push_back('\n');
    }
  }
  return out;
}

std::string Metrics::Json(std::string_view filter) const {
  const Hold hold(*this);
  std::string out = "{";
  for (const auto& [name, family] : families_) {
    for (const auto& [labels, index] : family.by_labels) {
      const std::string key = name + labels;
      if (key.find(filter) == std::string::npos) {
        continue;
      }
      out.append(out.size() > 1 ? ",\n\"" : "\n\"");
      AppendJsonEscaped(out, key);
      out.append("\": ");
      AppendInt(out, SumOf(family.series[index].id));
    }
  }
  out.append("\n}\n");
  return out;
}

}  // namespace gatehouse::observe
