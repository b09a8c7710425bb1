// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/catalog.h"

#include <algorithm>

namespace gatehouse::pipeline {

observe::MetricId LoadContext::Counter(std::string_view type, std::string_view what,
                                       std::string_view help) const {
  if (metrics == nullptr || !activate) {
    return {};
  }
  std::string name = "gatehouse_filter_";
  name.append(type).append("_").append(what).append("_total");
  const observe::Labels labels = {{"filter", std::string(filter_name)}};
  if (metric_blocks == nullptr) {
    return metrics->Counter(name, help, labels);
  }
  metric_blocks->push_back(metrics->Define(observe::MetricKind::kCounter, name, help, labels));
  return metric_blocks->back()->first();
}

const FilterType* Catalog::Find(std::string_view name) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [&](const FilterType& type) { return type.name == name; });
  return found == types_.end() ? nullptr : &*found;
}

}  // namespace gatehouse::pipeline
