// SPDX-License-Identifier: Apache-2.0
// What the loaders of one `routes:` section share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/base/arena.h"
#include "source/config/object.h"
#include "source/pipeline/regex_cache.h"
#include "source/route/route_config.h"

namespace gatehouse::route {

// Finds declared things by name, and what was probably meant.
class NameLookup {
 public:
  // `kind`: "cluster", for errors. `names` must outlive it.
  NameLookup(std::string_view kind, const std::vector<std::string>& names);

  // The index of the thing called `name`; nothing, and an error at `value`, when there is none.
  std::optional<uint32_t> Find(const config::Value& value, std::string_view name);

 private:
  static constexpr int kMaxSuggestions = 100;  // Each is a walk over all names.

  std::string_view kind_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, uint32_t> index_;
  int suggestions_ = 0;
};

class LoadContext {
 public:
  LoadContext(const RouteNames& names, std::vector<bool>& used_clusters);

  // The index of a cluster, which counts as used then.
  std::optional<uint32_t> Cluster(const config::Value& value, std::string_view name);
  std::optional<uint32_t> Listener(const config::Value& value, std::string_view name) {
    return listeners_.Find(value, name);
  }

  pipeline::RegexCache& regexes() { return regexes_; }

  // Emptied when the section is loaded.
  Arena& arena() { return arena_; }

 private:
  NameLookup clusters_;
  NameLookup listeners_;
  std::vector<bool>& used_clusters_;
  pipeline::RegexCache regexes_;
  ArenaPool pool_;
  Arena arena_{pool_};
};

}  // namespace gatehouse::route
