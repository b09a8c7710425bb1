// SPDX-License-Identifier: Apache-2.0
#include "source/route/load_context.h"

#include "source/base/text.h"

namespace gatehouse::route {

NameLookup::NameLookup(std::string_view kind, const std::vector<std::string>& names)
    : kind_(kind), names_(names) {
  index_.reserve(names.size());
  for (uint32_t i = 0; i < names.size(); ++i) {
    index_.emplace(names[i], i);
  }
}

std::optional<uint32_t> NameLookup::Find(const config::Value& value, std::string_view name) {
  const auto found = index_.find(name);
  if (found != index_.end()) {
    return found->second;
  }
  const std::string_view meant =
      suggestions_++ < kMaxSuggestions ? Nearest(name, names_) : std::string_view();
  value.Error("unknown " + std::string(kind_) + " \"" + std::string(name) + '"',
              std::string(meant));
  return std::nullopt;
}

LoadContext::LoadContext(const RouteNames& names, std::vector<bool>& used_clusters)
    : clusters_("cluster", names.clusters),
      listeners_("listener", names.listeners),
      used_clusters_(used_clusters) {
  used_clusters_.resize(names.clusters.size());
}

std::optional<uint32_t> LoadContext::Cluster(const config::Value& value, std::string_view name) {
  const std::optional<uint32_t> found = clusters_.Find(value, name);
  if (found) {
    used_clusters_[*found] = true;
  }
  return found;
}

}  // namespace gatehouse::route
