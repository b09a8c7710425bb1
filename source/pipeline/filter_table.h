// SPDX-License-Identifier: Apache-2.0
// The `filters:` section: named definitions, and the chains compiled from their names.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/pipeline/catalog.h"
#include "source/pipeline/chain.h"

namespace gatehouse::pipeline {

// Loaded once per configuration. Definitions whose text is the same as in `previous` are that
// table's objects, state included.
class FilterTable {
 public:
  // `section`: the entries of `filters:`, name → mapping. `type` defaults to the name.
  // `catalog` must outlive the table; `previous` may be null and is only read now.
  FilterTable(const std::vector<std::pair<std::string, config::Value>>& section,
              const Catalog& catalog, const LoadContext& context, const FilterTable* previous);

  // The chain of a listener's `filters:` followed by a route's. Entries are a name,
  // `{use: NAME, ...overrides}` or, in routes, `{skip: NAME}`. Mistakes are reported once, however
  // often the same list is compiled.
  std::shared_ptr<const Chain> Compile(const std::vector<config::Value>& listener,
                                       const std::vector<config::Value>& route);

  // A warning for each definition that no Compile() call used.
  void WarnUnused() const;

  const std::map<std::string, std::shared_ptr<FilterDefinition>, std::less<>>& definitions() const {
    return definitions_;
  }

 private:
  struct Entry {
    config::Value value;
    std::string canonical;
    bool used = false;
  };
  std::shared_ptr<const FilterDefinition> Resolve(const config::Value& entry);
  std::shared_ptr<FilterDefinition> Override(const config::Value& entry, std::string_view name);

  const Catalog& catalog_;
  LoadContext context_;
  std::map<std::string, std::shared_ptr<FilterDefinition>, std::less<>> definitions_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Overridden definitions by name and override text; chains by their definitions.
  std::map<std::string, std::shared_ptr<FilterDefinition>, std::less<>> overrides_;
  std::map<std::vector<const FilterDefinition*>, std::shared_ptr<const Chain>> chains_;
};

}  // namespace gatehouse::pipeline
