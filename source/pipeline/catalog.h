// SPDX-License-Identifier: Apache-2.0
// The table of filter types known to this build. source/filters/builtin.cc fills it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/observe/log_sink.h"
#include "source/observe/metrics.h"
#include "source/pipeline/filter.h"

namespace gatehouse::pipeline {

// What a loader may use besides its own mapping. Control thread (or the one that compiles).
struct LoadContext {
  observe::Metrics* metrics = nullptr;
  uint32_t workers = 1;
  // False while a configuration is only checked: files are read and resolved, nothing is opened for
  // writing, no thread is started.
  bool activate = true;
  // The filter's name in the configuration; for metric labels.
  std::string_view filter_name;
  // Of a per-route override: the definition it changes, of the same type. Shared state comes from
  // there. Null when that one has mistakes.
  const FilterDefinition* base = nullptr;
  // What is served now under the same name, when it is of the same type: state that goes on
  // although the definition has changed, such as what users entered over the admin endpoint, is
  // shared with it. Null: there is none, or other workers. Never set together with `base`.
  const FilterDefinition* previous = nullptr;
  // Folder for what must outlast the process; empty: nothing is kept. It may not exist yet.
  std::string_view state_dir;
  // The files that filters of this and of earlier configurations write, so that one path has one
  // writer. Set by FilterTable when it is null.
  observe::LogSinks* log_sinks = nullptr;
  // Where ClusterNamed() and ClusterOfUrl() (cluster_use.h) note what they found; may be null.
  std::vector<LoadedClusterUse>* cluster_uses = nullptr;
  // Holds what Counter() made; FilterTable gives it to the definition. Null: they stay for good.
  std::vector<std::shared_ptr<const observe::MetricBlock>>* metric_blocks = nullptr;

  // A counter of this filter: gatehouse_filter_TYPE_WHAT_total{filter="NAME"}. While a
  // configuration is only checked, none is made.
  observe::MetricId Counter(std::string_view type, std::string_view what,
                            std::string_view help) const;
  // One for each of `values`, told apart by a further label.
  std::vector<observe::MetricId> Counters(std::string_view type, std::string_view what,
                                          std::string_view help, std::string_view label,
                                          std::span<const std::string_view> values) const;
};

struct FilterType {
  std::string_view name;
  // Reads the mapping; mistakes go to its diagnostics, and then the result is not used.
  std::shared_ptr<FilterDefinition> (*load)(config::Object& in, const LoadContext& context);
  std::string_view help;
  // Settings as they stand in a flow mapping: together all keys of the type, so that the schema and
  // the reference page know them.
  std::vector<std::string_view> examples = {};
  // Finds out who is calling, in OnRequestHeaders() alone, and answers with ReplyError() when it
  // can't or won't: may stand in an `any_of`.
  bool authenticates = false;
};

class Catalog {
 public:
  explicit Catalog(std::vector<FilterType> types) : types_(std::move(types)) {}
  const FilterType* Find(std::string_view name) const;
  const std::vector<FilterType>& types() const { return types_; }

 private:
  std::vector<FilterType> types_;
};

}  // namespace gatehouse::pipeline
