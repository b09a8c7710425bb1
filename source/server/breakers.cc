// SPDX-License-Identifier: Apache-2.0
#include "source/server/breakers.h"

#include <map>
#include <string>
#include <utility>

#include "source/upstream/breaker/breaker_metrics.h"

namespace gatehouse::server {
namespace {

using upstream::Breaker;
using upstream::BreakerSettings;
using Key = std::pair<uint32_t, route::LabelSet>;  // Cluster of the snapshot, and labels.

// Numbers breakers as they are asked for.
class Numbers {
 public:
  explicit Numbers(const proxy::Snapshot& snapshot) : snapshot_(snapshot) {}

  uint32_t Of(uint32_t cluster, const route::LabelSet& labels) {
    const BreakerSettings& settings = snapshot_.clusters[cluster]->settings().breaker;
    if (!settings.enabled) {
      return 0;
    }
    const bool own = settings.scope == BreakerSettings::Scope::kLabels;
    const auto [at, fresh] =
        numbers_.emplace(Key(cluster, own ? labels : route::LabelSet()), keys_.size() + 1);
    if (fresh) {
      keys_.push_back(&at->first);
    }
    return at->second;
  }
  const std::vector<const Key*>& keys() const { return keys_; }

 private:
  const proxy::Snapshot& snapshot_;
  std::map<Key, uint32_t> numbers_;
  std::vector<const Key*> keys_;
};

void NumberArms(route::Route& route, Numbers& numbers) {
  if (auto* forward = std::get_if<route::Forward>(&route.action)) {
    for (route::Arm& arm : forward->arms) {
      arm.breaker = numbers.Of(arm.cluster, arm.labels);
    }
  }
  if (route.fallback.has_value() && route.fallback->arm) {
    route::Arm& arm = *route.fallback.Edit().arm;
    arm.breaker = numbers.Of(arm.cluster, arm.labels);
  }
}

using Former =
    std::map<std::pair<std::string_view, const Breaker::Labels&>, const std::shared_ptr<Breaker>*>;

// Those of the snapshot before, by cluster and labels.
Former FormerOnes(const LoadRequest& request) {
  Former out;
  if (request.previous != nullptr) {
    for (const std::shared_ptr<Breaker>& one : request.previous->breakers) {
      out.emplace(
          std::pair<std::string_view, const Breaker::Labels&>(one->cluster(), one->labels()), &one);
    }
  }
  return out;
}

std::vector<std::shared_ptr<const observe::MetricBlock>> DefineMetrics(
    const std::vector<const Key*>& keys, const LoadRequest& request, const proxy::Snapshot& out) {
  if (request.metrics == nullptr || !request.activate || keys.empty()) {
    return std::vector<std::shared_ptr<const observe::MetricBlock>>(keys.size());
  }
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const Key* key : keys) {
    names.push_back(upstream::BreakerBlockName(out.clusters[key->first]->name(), key->second));
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return request.metrics->Define(upstream::BreakerSchema(), views);
}

}  // namespace

void BuildBreakers(std::vector<route::LoadedRoute>& routes, uint32_t workers,
                   const LoadRequest& request, proxy::Snapshot& out) {
  Numbers numbers(out);
  out.cluster_breakers.reserve(out.clusters.size());
  for (uint32_t i = 0; i < out.clusters.size(); ++i) {
    out.cluster_breakers.push_back(numbers.Of(i, {}));
  }
  for (route::LoadedRoute& loaded : routes) {
    NumberArms(*loaded.route, numbers);
  }
  const auto blocks = DefineMetrics(numbers.keys(), request, out);
  const Former former = FormerOnes(request);
  out.breakers.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto& [cluster, labels] = *numbers.keys()[i];
    const upstream::ClusterSettings& settings = out.clusters[cluster]->settings();
    const auto at = former.find({settings.name, labels});
    std::shared_ptr<Breaker> before = at == former.end() ? nullptr : *at->second;
    const bool same = before != nullptr && before->settings() == settings.breaker;
    out.breakers.push_back(same ? std::move(before)
                                : std::make_shared<Breaker>(settings.name, labels, settings.breaker,
                                                            workers, blocks[i], before.get()));
  }
}

}  // namespace gatehouse::server
