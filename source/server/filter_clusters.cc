// SPDX-License-Identifier: Apache-2.0
#include "source/server/filter_clusters.h"

#include <string>
#include <string_view>
#include <unordered_map>

#include "source/base/text.h"
#include "source/tls/client_context.h"
#include "source/upstream/cluster_config.h"

namespace gatehouse::server {
namespace {

// The defaults: whoever the system trusts may speak for the URL's host.
void AddTls(upstream::ClusterSettings& cluster, const config::Value& at) {
  (void)tls::ClientContext::Make(cluster.tls.emplace(), 0, [&](const tls::Problem& problem) {
    at.Error("needs TLS: " + problem.message);
  });
}

}  // namespace

void AddFilterClusters(LoadedSections& sections, std::vector<bool>& used) {
  const std::vector<pipeline::LoadedClusterUse>& uses = sections.filters->cluster_uses();
  if (uses.empty()) {
    return;
  }
  std::unordered_map<std::string, size_t> index;
  for (const upstream::ClusterSettings& cluster : sections.clusters) {
    index.emplace(cluster.name, index.size());
  }
  const size_t defined = used.size();
  for (const auto& [use, at] : uses) {
    const auto known = index.find(use.name);
    if (known != index.end()) {
      if (known->second < defined) {
        used[known->second] = true;
      }
    } else if (use.endpoint) {
      index.emplace(use.name, sections.clusters.size());
      sections.clusters.push_back(upstream::ClusterOf(use.name, *use.endpoint));
      if (use.name.starts_with("https://")) {
        AddTls(sections.clusters.back(), at);
      }
    } else {
      std::vector<std::string_view> names;
      for (const auto& [name, position] : index) {
        if (position < defined) {
          names.push_back(name);
        }
      }
      at.Error("unknown cluster \"" + use.name + "\"", std::string(Nearest(use.name, names)));
    }
  }
}

}  // namespace gatehouse::server
