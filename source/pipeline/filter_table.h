// SPDX-License-Identifier: Apache-2.0
// The `filters:` section: named definitions, and the chains compiled from their names.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/object.h"
#include "source/pipeline/catalog.h"
#include "source/pipeline/chain.h"

namespace gatehouse::pipeline {

// Loaded once per configuration. Definitions whose text is the same as in `previous` are that
// table's objects, state included. A definition with mistakes is replaced by one that does nothing,
// so that loading goes on and finds the other mistakes.
class FilterTable {
 public:
  // `section`: the entries of `filters:`, name → mapping. `type` defaults to the name.
  // `catalog` must outlive the table; `previous` may be null and is only read now.
  FilterTable(const std::vector<std::pair<std::string, config::Value>>& section,
              const Catalog& catalog, const LoadContext& context, const FilterTable* previous);

  // The chain of a listener's `filters:` followed by a route's. Entries are a name,
  // `{use: NAME, ...overrides}`, `{any_of: [...]}` or, in routes, `{skip: NAME}`. Mistakes are
  // reported once, however often the same list is compiled.
  std::shared_ptr<const Chain> Compile(const std::vector<config::Value>& listener,
                                       const std::vector<config::Value>& route);

  // After the last Compile(): a warning for each definition that no call used, an error for each
  // `skip` that found its filter in none of the listeners it was compiled with. Definitions are
  // told where all of them take credentials from. What only compiling needs is freed.
  void WarnUnused();

  // The clusters that the definitions send requests to, and where each is written: of those that
  // were taken over from another configuration, the definition. Until WarnUnused().
  const std::vector<LoadedClusterUse>& cluster_uses() const { return cluster_uses_; }

  // All definitions, those of overrides too.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Definitions* all : {&definitions_, &overrides_}) {
      for (const auto& [name, definition] : *all) {
        visit(definition);
      }
    }
  }

  // Control thread: USR1 arrived. All definitions, those of overrides too.
  void ReopenFiles() const;

  const std::map<std::string, std::shared_ptr<FilterDefinition>, std::less<>>& definitions() const {
    return definitions_;
  }

 private:
  using Definitions = std::map<std::string, std::shared_ptr<FilterDefinition>, std::less<>>;
  // Values are looked at while the configuration is compiled, and not after.
  struct Entry {
    config::Value value;
    std::string canonical;
    bool used = false;
  };
  // One element of a `filters:` list, read when it is met first.
  struct Step {
    enum class Kind : uint8_t { kBroken, kUse, kSkip };
    Kind kind = Kind::kBroken;
    config::Value value;
    config::Value name_value;  // Where the name stands.
    std::string name;
    std::shared_ptr<const FilterDefinition> definition;  // For kUse.
    bool found = false;                                  // For kSkip: in some listener.
  };

  std::shared_ptr<FilterDefinition> Define(const std::string& name, Entry& entry,
                                           const FilterTable* previous);
  std::shared_ptr<FilterDefinition> Load(std::string_view name, config::Object in,
                                         const FilterDefinition* base,
                                         const FilterDefinition* previous);
  Step& Read(const config::Value& value);
  void ReadMapping(Step& step);
  void ReadName(Step& step, std::string_view key);
  void ReadAnyOf(Step& step);
  std::shared_ptr<const FilterDefinition> Member(const config::Value& value);
  void TakeOver(const FilterDefinition& definition, const config::Value& at);
  bool Exists(const Step& step) const;
  std::shared_ptr<FilterDefinition> Override(const Step& step);
  void Append(const Step& step, std::vector<const Step*>& chain) const;
  void Skip(Step& step, std::vector<const Step*>& chain) const;
  std::shared_ptr<const Chain> ChainOf(const std::vector<const Step*>& steps);
  void TellCredentials() const;
  void WarnOfUnknownCallers(const std::vector<const Step*>& steps);
  void WarnOfLostPreflights(const std::vector<const Step*>& steps);

  const Catalog& catalog_;
  LoadContext context_;
  std::shared_ptr<observe::LogSinks> log_sinks_;
  Definitions definitions_;
  std::map<std::string, Entry, std::less<>> entries_;
  // Overridden definitions by name and override text; steps by their path in the configuration;
  // chains by their definitions.
  Definitions overrides_;
  // Those of `previous` that may be taken over; it is alive while this configuration is compiled.
  std::map<std::string, std::weak_ptr<FilterDefinition>, std::less<>> previous_overrides_;
  std::map<std::string, Step, std::less<>> steps_;
  std::map<std::vector<const FilterDefinition*>, std::shared_ptr<const Chain>> chains_;
  std::map<std::vector<const FilterDefinition*>, std::shared_ptr<const FilterDefinition>> any_ofs_;
  std::set<std::string> warned_;  // Steps by their paths.
  std::vector<LoadedClusterUse> cluster_uses_;
};

}  // namespace gatehouse::pipeline
