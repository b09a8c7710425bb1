// SPDX-License-Identifier: Apache-2.0
#include "source/server/snapshot_builder.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "source/server/breakers.h"

namespace gatehouse::server {
namespace {

using proxy::ListenerPlan;
using proxy::Snapshot;
using upstream::Cluster;

// The next of a sequence of ids. One that is only checked gets numbers of its own.
class Ids {
 public:
  Ids(uint32_t* next, bool activate) : next_(activate && next != nullptr ? next : &own_) {}
  uint32_t Next() { return (*next_)++; }

 private:
  uint32_t own_ = 0;
  uint32_t* next_;
};

using Blocks = std::vector<std::shared_ptr<const observe::MetricBlock>>;

// The series of the things called `names`; null pointers when nothing is to be counted.
Blocks DefineMetrics(const observe::MetricSchema& schema,
                     const std::vector<std::string_view>& names, const LoadRequest& request) {
  if (request.metrics == nullptr || !request.activate) {
    return Blocks(names.size());
  }
  return request.metrics->Define(schema, names);
}

std::vector<std::shared_ptr<Cluster>> BuildClusters(std::vector<upstream::ClusterSettings> settings,
                                                    const LoadRequest& request) {
  std::unordered_map<std::string_view, const std::shared_ptr<Cluster>*> previous;
  if (request.previous != nullptr) {
    for (const std::shared_ptr<Cluster>& cluster : request.previous->clusters) {
      previous.emplace(cluster->name(), &cluster);
    }
  }
  std::vector<std::string_view> names;
  names.reserve(settings.size());
  for (const upstream::ClusterSettings& one : settings) {
    names.push_back(one.name);
  }
  const Blocks blocks = DefineMetrics(upstream::ClusterSchema(), names, request);
  Ids ids(request.next_cluster_id, request.activate);
  std::vector<std::shared_ptr<Cluster>> out;
  out.reserve(settings.size());
  for (size_t i = 0; i < settings.size(); ++i) {
    upstream::ClusterSettings& one = settings[i];
    const auto old = previous.find(one.name);
    if (old != previous.end() && (*old->second)->settings() == one) {
      out.push_back(*old->second);
      continue;
    }
    out.push_back(std::make_shared<Cluster>(ids.Next(), std::move(one), blocks[i]));
  }
  return out;
}

// A listener of the previous snapshot with the same address: the one with the same name, else the
// first that nobody has taken. `taken` is by its index.
const ListenerPlan* FindSame(const proxy::ListenerSettings& settings, const Snapshot& previous,
                             std::vector<bool>& taken) {
  size_t found = previous.listeners.size();
  for (size_t i = 0; i < previous.listeners.size(); ++i) {
    const proxy::ListenerSettings& old = *previous.listeners[i].settings;
    if (taken[i] || old.address != settings.address) {
      continue;
    }
    if (old.name == settings.name) {
      found = i;
      break;
    }
    found = std::min(found, i);
  }
  if (found == previous.listeners.size()) {
    return nullptr;
  }
  taken[found] = true;
  return &previous.listeners[found];
}

// The one there was, unless its settings have changed: it follows its files by itself.
std::shared_ptr<tls::ServerTls> TlsOf(proxy::LoadedListener& loaded, const ListenerPlan* old) {
  if (old != nullptr && old->tls != nullptr && loaded.tls != nullptr &&
      old->tls->settings() == loaded.tls->settings()) {
    return old->tls;
  }
  return std::move(loaded.tls);
}

Blocks CertificateBlocks(const ListenerPlan& plan, const LoadRequest& request) {
  if (plan.tls == nullptr) {
    return {};
  }
  std::vector<std::string> labels;
  for (const tls::CertificateFiles& files : plan.tls->settings().certificates) {
    labels.push_back(proxy::CertificateLabels(plan.settings->name, files.cert_file));
  }
  return DefineMetrics(proxy::CertificateSchema(), {labels.begin(), labels.end()}, request);
}

std::vector<ListenerPlan> BuildListeners(LoadedSections& sections, const LoadRequest& request) {
  std::vector<std::string_view> names;
  for (const proxy::LoadedListener& listener : sections.listeners) {
    names.push_back(listener.settings->name);
  }
  const Blocks blocks = DefineMetrics(proxy::ListenerSchema(), names, request);
  Ids ids(request.next_listener_id, request.activate);
  std::vector<bool> taken(request.previous == nullptr ? 0 : request.previous->listeners.size());
  std::vector<ListenerPlan> out(sections.listeners.size());
  for (size_t i = 0; i < out.size(); ++i) {
    ListenerPlan& plan = out[i];
    plan.settings = std::move(sections.listeners[i].settings);
    const ListenerPlan* old =
        request.previous == nullptr ? nullptr : FindSame(*plan.settings, *request.previous, taken);
    plan.id = old != nullptr ? old->id : ids.Next();
    if (old != nullptr) {
      plan.connections = old->connections;
    }
    plan.tls = TlsOf(sections.listeners[i], old);
    plan.certificate_blocks = CertificateBlocks(plan, request);
    if (blocks[i] != nullptr) {
      plan.metric_block = blocks[i];
      plan.metrics = proxy::ListenerSeries(*blocks[i]);
    }
    plan.chains = std::move(sections.chains[i].by_route);
    plan.no_route = sections.chains[i].no_route;
  }
  return out;
}

// Routes without a name share a block: what they would be called changes with their place.
void DefineRouteMetrics(const std::vector<route::LoadedRoute>& routes, const LoadRequest& request,
                        Snapshot& out) {
  std::vector<std::string_view> names;
  names.reserve(routes.size());
  for (size_t i = 0; i < routes.size(); ++i) {
    const std::string& name = routes[i].route->name;
    const bool unnamed = name == "routes[" + std::to_string(i) + "]";
    names.push_back(unnamed ? std::string_view("(unnamed)") : std::string_view(name));
  }
  Blocks blocks = DefineMetrics(proxy::RouteSchema(), names, request);
  out.route_metrics.resize(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i] != nullptr) {
      out.route_metrics[i] = proxy::RouteSeries(*blocks[i]);
    }
  }
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  out.route_metric_blocks.assign(blocks.begin(), blocks.end());  // Without room to spare.
}

}  // namespace

std::shared_ptr<Snapshot> BuildSnapshot(LoadedSections sections, const LoadRequest& request) {
  auto out = std::make_shared<Snapshot>();
  out->epoch = request.epoch;
  out->limits = sections.limits;
  out->filters = std::move(sections.filters);
  out->clusters = BuildClusters(std::move(sections.clusters), request);
  out->cluster_ids.reserve(out->clusters.size());
  for (const std::shared_ptr<upstream::Cluster>& cluster : out->clusters) {
    out->cluster_ids.push_back(cluster->id());
  }
  std::sort(out->cluster_ids.begin(), out->cluster_ids.end());
  out->listeners = BuildListeners(sections, request);
  BuildBreakers(sections.routes, sections.workers, request, *out);
  DefineRouteMetrics(sections.routes, request, *out);
  std::vector<std::shared_ptr<const route::Route>> routes;
  routes.reserve(sections.routes.size());
  out->route_positions.reserve(sections.routes.size());
  for (route::LoadedRoute& loaded : sections.routes) {
    routes.push_back(std::move(loaded.route));
    out->route_positions.push_back(loaded.position);
  }
  out->routes = std::make_shared<const route::RouteTable>(std::move(routes));
  return out;
}

}  // namespace gatehouse::server
