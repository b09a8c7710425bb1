// SPDX-License-Identifier: Apache-2.0
// The compiled, ordered filters of one (listener, route).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "source/pipeline/filter.h"

namespace gatehouse::pipeline {

// Immutable; shared by all routes with the same filters.
class Chain {
 public:
  explicit Chain(std::vector<std::shared_ptr<const FilterDefinition>> definitions);

  std::span<const std::shared_ptr<const FilterDefinition>> definitions() const {
    return definitions_;
  }
  bool empty() const { return definitions_.empty(); }
  size_t size() const { return definitions_.size(); }
  // The union of the filters' phases: what the stream must stop for.
  const Phases& phases() const { return phases_; }
  // Whether a filter looks at StreamInfo::verdicts.
  bool reads_verdicts() const { return reads_verdicts_; }

 private:
  std::vector<std::shared_ptr<const FilterDefinition>> definitions_;
  Phases phases_;
  bool reads_verdicts_ = false;
};

}  // namespace gatehouse::pipeline
