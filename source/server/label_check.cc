// SPDX-License-Identifier: Apache-2.0
#include "source/server/label_check.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "source/base/text.h"

namespace gatehouse::server {
namespace {

using upstream::ClusterSettings;
using upstream::EndpointSpec;

bool Carries(const EndpointSpec& endpoint, std::string_view key, std::string_view value) {
  return std::any_of(endpoint.labels.begin(), endpoint.labels.end(), [&](const auto& label) {
    return label.first == key && label.second == value;
  });
}

bool CarriesAll(const EndpointSpec& endpoint, const route::Arm& arm) {
  return std::all_of(arm.labels.begin(), arm.labels.end(), [&](const auto& label) {
    return Carries(endpoint, label.first, label.second);
  });
}

std::string InWords(const route::Arm& arm) {
  std::string out;
  for (const auto& [key, value] : arm.labels) {
    out.append(out.empty() ? "" : ", ").append(key).append("=").append(value);
  }
  return out;
}

// The key, or the value of the key, that was probably meant by the first label that nobody has.
std::string Meant(const ClusterSettings& cluster, const route::Arm& arm) {
  std::set<std::string> keys;
  for (const EndpointSpec& endpoint : cluster.endpoints) {
    for (const auto& [key, value] : endpoint.labels) {
      keys.insert(std::string(key));
    }
  }
  for (const auto& [key, value] : arm.labels) {
    if (!keys.contains(std::string(key))) {
      return std::string(Nearest(key, keys));
    }
    std::set<std::string> values;
    for (const EndpointSpec& endpoint : cluster.endpoints) {
      for (const auto& [other, held] : endpoint.labels) {
        if (other == key) {
          values.insert(std::string(held));
        }
      }
    }
    if (!values.contains(std::string(value))) {
      const std::string_view nearest = Nearest(value, values);
      return nearest.empty() ? "" : std::string(key) + "=" + std::string(nearest);
    }
  }
  return "";
}

// `labels` of the route, or the route itself.
config::Value Blamed(const config::Value& route) {
  config::Object object = route.Map();
  object.Unchecked();
  config::Value labels = object.Get("labels", "");
  return labels.present() ? labels : route;
}

}  // namespace

void WarnOfUnknownLabels(const std::vector<config::Value>& section,
                         const std::vector<route::LoadedRoute>& routes,
                         const std::vector<ClusterSettings>& clusters) {
  std::set<std::pair<uint32_t, std::string>> known;  // Routes repeat what others ask for.
  for (size_t i = 0; i < routes.size() && i < section.size(); ++i) {
    const auto* forward = std::get_if<route::Forward>(&routes[i].route->action);
    if (forward == nullptr) {
      continue;
    }
    for (const route::Arm& arm : forward->arms) {
      if (arm.labels.empty() || arm.cluster >= clusters.size() ||
          known.contains({arm.cluster, InWords(arm)})) {
        continue;
      }
      const ClusterSettings& cluster = clusters[arm.cluster];
      const bool carried =
          std::any_of(cluster.endpoints.begin(), cluster.endpoints.end(),
                      [&](const EndpointSpec& one) { return CarriesAll(one, arm); });
      if (carried) {
        known.insert({arm.cluster, InWords(arm)});
      } else {
        Blamed(section[i])
            .Warning("no endpoint of cluster \"" + cluster.name + "\" carries " + InWords(arm) +
                         ": every such request is answered with 503",
                     Meant(cluster, arm));
      }
    }
  }
}

}  // namespace gatehouse::server
