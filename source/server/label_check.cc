// SPDX-License-Identifier: Apache-2.0
#include "source/server/label_check.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

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

// `labels` of what names a cluster, or all of it.
config::Value Blamed(const config::Value& of) {
  config::Object object = of.Map();
  object.Unchecked();
  config::Value labels = object.Get("labels", "");
  return labels.present() ? labels : of;
}

config::Value FallbackOf(const config::Value& route) {
  config::Object object = route.Map();
  object.Unchecked();
  return object.Get("fallback", "");
}

// Looks at arms, and remembers those that are carried: routes repeat what others ask for.
class LabelCheck {
 public:
  explicit LabelCheck(const std::vector<ClusterSettings>& clusters) : clusters_(clusters) {}

  // `written` gives where it is written.
  template <typename Written>
  void Look(const route::Arm& arm, const char* what, const Written& written) {
    if (arm.labels.empty() || arm.cluster >= clusters_.size() ||
        known_.contains({arm.cluster, InWords(arm)})) {
      return;
    }
    const ClusterSettings& cluster = clusters_[arm.cluster];
    const bool carried = std::any_of(cluster.endpoints.begin(), cluster.endpoints.end(),
                                     [&](const EndpointSpec& one) { return CarriesAll(one, arm); });
    if (carried) {
      known_.insert({arm.cluster, InWords(arm)});
    } else {
      Blamed(written()).Warning("no endpoint of cluster \"" + cluster.name + "\" carries " +
                                    InWords(arm) + ": every such " + what + " is answered with 503",
                                Meant(cluster, arm));
    }
  }

 private:
  const std::vector<ClusterSettings>& clusters_;
  std::set<std::pair<uint32_t, std::string>> known_;
};

}  // namespace

void WarnOfUnknownLabels(const std::vector<config::Value>& section,
                         const std::vector<route::LoadedRoute>& routes,
                         const std::vector<ClusterSettings>& clusters) {
  LabelCheck check(clusters);
  for (size_t i = 0; i < routes.size() && i < section.size(); ++i) {
    const route::Route& route = *routes[i].route;
    if (const route::Forward* forward = route.forward()) {
      for (const route::Arm& arm : forward->arms) {
        check.Look(arm, "request", [&] { return section[i]; });
      }
    }
    if (route.fallback.has_value() && route.fallback->arm) {
      check.Look(*route.fallback->arm, "fallback", [&] { return FallbackOf(section[i]); });
    }
  }
}

}  // namespace gatehouse::server
