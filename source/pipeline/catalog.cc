// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/catalog.h"

#include <algorithm>

namespace gatehouse::pipeline {

namespace {

std::string CounterName(std::string_view type, std::string_view what) {
  std::string name = "gatehouse_filter_";
  return name.append(type).append("_").append(what).append("_total");
}

}  // namespace

observe::MetricId LoadContext::Counter(std::string_view type, std::string_view what,
                                       std::string_view help) const {
  if (metrics == nullptr || !activate) {
    return {};
  }
  const std::string name = CounterName(type, what);
  const observe::Labels labels = {{"filter", std::string(filter_name)}};
  if (metric_blocks == nullptr) {
    return metrics->Counter(name, help, labels);
  }
  metric_blocks->push_back(metrics->Define(observe::MetricKind::kCounter, name, help, labels));
  return metric_blocks->back()->first();
}

std::vector<observe::MetricId> LoadContext::Counters(
    std::string_view type, std::string_view what, std::string_view help, std::string_view label,
    std::span<const std::string_view> values) const {
  std::vector<observe::MetricId> out(values.size());
  if (metrics == nullptr || !activate) {
    return out;
  }
  std::vector<observe::Labels> labels;
  for (const std::string_view value : values) {
    labels.push_back(
        {{"filter", std::string(filter_name)}, {std::string(label), std::string(value)}});
  }
  auto blocks = metrics->Define(observe::MetricKind::kCounter, CounterName(type, what), help,
                                std::span<const observe::Labels>(labels));
  for (size_t i = 0; i < blocks.size(); ++i) {
    out[i] = blocks[i]->first();
    if (metric_blocks != nullptr) {
      metric_blocks->push_back(std::move(blocks[i]));
    } else {
      metrics->Keep(std::move(blocks[i]));
    }
  }
  return out;
}

const FilterType* Catalog::Find(std::string_view name) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const FilterType& type) { return type.name == name; });
  return found == types_.end() ? nullptr : &*found;
}

}  // namespace gatehouse::pipeline
