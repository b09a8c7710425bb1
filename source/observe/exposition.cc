// SPDX-License-Identifier: Apache-2.0
// What metrics look like to those who ask. Ten thousand routes must take milliseconds: one pass,
// nothing but appending to the answer.
#include "source/observe/exposition.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

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
  if (text.find_first_of("\n\\\"") == std::string_view::npos) {
    out.append(text);
    return;
  }
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

void AppendLabel(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.empty() ? "" : ",").append(name).append("=\"");
  AppendEscaped(out, value, true);
  out.push_back('"');
}

template <typename Number>
void AppendNumber(std::string& out, Number value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end.ptr);
}

// The series of one name.
struct Family {
  const MetricGroup* group;
  std::span<const MetricSpec> series;
  bool first;  // Of its schema.
};

std::vector<Family> FamiliesOf(const std::vector<MetricGroup>& groups) {
  std::vector<Family> out;
  for (const MetricGroup& group : groups) {
    std::span<const MetricSpec> rest = group.schema->series;
    while (!rest.empty() && !group.blocks.empty()) {
      const auto end = std::find_if(rest.begin(), rest.end(), [&](const MetricSpec& spec) {
        return spec.name != rest.front().name;
      });
      const auto count = static_cast<size_t>(end - rest.begin());
      out.push_back({&group, rest.first(count), rest.size() == group.schema->series.size()});
      rest = rest.subspan(count);
    }
  }
  std::sort(out.begin(), out.end(), [](const Family& a, const Family& b) {
    return a.series.front().name < b.series.front().name;
  });
  return out;
}

// One series and its value now.
struct Sample {
  const MetricSpec& spec;
  std::string_view labels{};  // Without braces.
  int64_t value = 0;          // Of a histogram: how often something was observed.
  // Of a histogram: observations up to each bound, and their sum.
  std::span<const int64_t> buckets{};
  double sum = 0;
};

// Calls `visit(sample)` for the series shown of one family.
class FamilyReader {
 public:
  FamilyReader(const Metrics& metrics, const Family& family)
      : metrics_(metrics), schema_(*family.group->schema), family_(family) {}

  template <typename Visit>
  void ForEach(Visit visit) {
    for (const std::shared_ptr<const MetricBlock>& block : family_.group->blocks) {
      if (schema_.quiet && !family_.first && !Touched(*block)) {
        continue;
      }
      for (const MetricSpec& spec : family_.series) {
        Sample sample{.spec = spec};
        Read({block->first().index + spec.cell}, sample);
        if (spec.shown == Shown::kAlways || sample.value != 0) {
          sample.labels = LabelsOf(*block, spec);
          visit(sample);
        }
      }
    }
  }

 private:
  bool Touched(const MetricBlock& block) const {
    return std::any_of(metrics_.tables().begin(), metrics_.tables().end(), [&](const auto& table) {
      return table->Touched(block.first(), schema_.cells);
    });
  }

  void Read(MetricId id, Sample& sample) {
    if (sample.spec.kind != MetricKind::kHistogram) {
      sample.value = metrics_.Sum(id);
      return;
    }
    for (size_t i = 0; i < kBuckets; ++i) {
      sample.value += metrics_.Sum({id.index + static_cast<uint32_t>(i)});
      buckets_[i] = sample.value;
    }
    sample.buckets = buckets_;
    for (const auto& table : metrics_.tables()) {
      sample.sum += std::bit_cast<double>(table->Get({id.index + uint32_t{kBuckets}}));
    }
  }

  // By name, as LabelText() has them.
  std::string_view LabelsOf(const MetricBlock& block, const MetricSpec& spec) {
    if (schema_.label.empty() && spec.label.empty()) {
      return block.name();
    }
    labels_.clear();
    if (schema_.label.empty()) {
      labels_.append(block.name());
      AppendLabel(labels_, spec.label, spec.value);
      return labels_;
    }
    if (!spec.label.empty() && spec.label < schema_.label) {
      AppendLabel(labels_, spec.label, spec.value);
    }
    AppendLabel(labels_, schema_.label, block.name());
    if (!spec.label.empty() && spec.label > schema_.label) {
      AppendLabel(labels_, spec.label, spec.value);
    }
    return labels_;
  }

  const Metrics& metrics_;
  const MetricSchema& schema_;
  const Family& family_;
  std::string labels_;
  std::array<int64_t, kBuckets> buckets_{};
};

template <typename Visit>
void ForEachSample(const Metrics& metrics, Visit visit) {
  const std::vector<MetricGroup> groups = metrics.Groups();
  for (const Family& family : FamiliesOf(groups)) {
    FamilyReader(metrics, family).ForEach(visit);
  }
}

void AppendKey(std::string& out, std::string_view name, std::string_view suffix,
               std::string_view labels, std::string_view bound = {}) {
  out.append(name).append(suffix);
  if (!labels.empty() || !bound.empty()) {
    out.append("{").append(labels);
    if (!bound.empty()) {
      out.append(labels.empty() ? "" : ",").append("le=\"").append(bound).append("\"");
    }
    out.push_back('}');
  }
}

void AppendValue(std::string& out, const Sample& sample) {
  const MetricKind kind = sample.spec.kind;
  if (kind == MetricKind::kSecondsCounter || kind == MetricKind::kSecondsGauge) {
    AppendNumber(out, static_cast<double>(sample.value) * 1e-9);
  } else {
    AppendNumber(out, sample.value);
  }
}

void AppendPrometheus(std::string& out, const Sample& sample) {
  const std::string_view name = sample.spec.name;
  if (sample.spec.kind != MetricKind::kHistogram) {
    AppendKey(out, name, "", sample.labels);
    out.push_back(' ');
    AppendValue(out, sample);
    out.push_back('\n');
    return;
  }
  for (size_t i = 0; i < kBuckets; ++i) {
    AppendKey(out, name, "_bucket", sample.labels, kBucketLabels[i]);
    out.push_back(' ');
    AppendNumber(out, sample.buckets[i]);
    out.push_back('\n');
  }
  AppendKey(out, name, "_sum", sample.labels);
  out.push_back(' ');
  AppendNumber(out, sample.sum);
  out.push_back('\n');
  AppendKey(out, name, "_count", sample.labels);
  out.push_back(' ');
  AppendNumber(out, sample.value);
  out.push_back('\n');
}

std::string_view TypeName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kGauge:
    case MetricKind::kSecondsGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
    case MetricKind::kCounter:
    case MetricKind::kSecondsCounter:
      break;
  }
  return "counter";
}

}  // namespace

bool IsMetricName(std::string_view name) { return IsName(name, true); }

std::string LabelText(Labels labels) {
  std::sort(labels.begin(), labels.end());
  std::string out;
  for (const auto& [name, value] : labels) {
    GATEHOUSE_CHECK(IsName(name, false), "label names follow Prometheus");
    AppendLabel(out, name, value);
  }
  return out;
}

std::string Metrics::Prometheus() const {
  std::string out;
  const std::vector<MetricGroup> groups = Groups();
  for (const Family& family : FamiliesOf(groups)) {
    const MetricSpec& spec = family.series.front();
    out.append("# HELP ").append(spec.name).append(" ");
    AppendEscaped(out, spec.help, false);
    out.append("\n# TYPE ").append(spec.name).append(" ").append(TypeName(spec.kind)).append("\n");
    FamilyReader(*this, family).ForEach([&](const Sample& sample) {
      AppendPrometheus(out, sample);
    });
  }
  return out;
}

std::string Metrics::Json(std::string_view filter) const {
  std::string out = "{";
  std::string key;
  const auto begin = [&](const Sample& sample, std::string_view suffix) {
    key.clear();
    AppendKey(key, sample.spec.name, suffix, sample.labels);
    const bool wanted = key.find(filter) != std::string::npos;
    if (wanted) {
      out.append(out.size() > 1 ? ",\n\"" : "\n\"");
      AppendJsonEscaped(out, key);
      out.append("\": ");
    }
    return wanted;
  };
  ForEachSample(*this, [&](const Sample& sample) {
    const bool histogram = sample.spec.kind == MetricKind::kHistogram;
    if (begin(sample, histogram ? "_count" : "")) {
      AppendValue(out, sample);
    }
    if (histogram && begin(sample, "_sum")) {
      AppendNumber(out, sample.sum);
    }
  });
  out.append("\n}\n");
  return out;
}

int64_t Metrics::Sum(std::string_view name, const Labels& labels) const {
  const std::string text = LabelText(labels);
  int64_t sum = 0;
  ForEachSample(*this, [&](const Sample& sample) {
    const bool histogram = sample.spec.kind == MetricKind::kHistogram;
    if (name.starts_with(sample.spec.name) &&
        name.substr(sample.spec.name.size()) == (histogram ? "_count" : "") &&
        sample.labels == text) {
      sum += sample.value;
    }
  });
  return sum;
}

}  // namespace gatehouse::observe
