// SPDX-License-Identifier: Apache-2.0
// The root of a configuration. Each section is read whatever the others are like, so that one run
// finds every mistake.
#include "source/server/config_loader.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/proxy/listener_config.h"
#include "source/route/route_config.h"
#include "source/server/client_certificate_check.h"
#include "source/server/effective.h"
#include "source/server/fallback_check.h"
#include "source/server/filter_clusters.h"
#include "source/server/label_check.h"
#include "source/server/sections.h"
#include "source/server/snapshot_builder.h"
#include "source/upstream/cluster_config.h"

namespace gatehouse::server {
namespace {

using config::About;
using config::Object;
using config::Value;
using NamedValues = std::vector<std::pair<std::string, Value>>;

void LoadVersion(const Value& version) {
  if (!version.Is("1") && version.present()) {
    version.Error("must be 1: there is no other version yet");
  }
}

std::vector<proxy::LoadedListener> LoadListenerSection(const Value& section,
                                                       const proxy::Snapshot* previous,
                                                       proxy::AddressBook& addresses) {
  if (!section.present()) {
    section.Error("is required: without a listener nobody can connect");
    return {};
  }
  const std::vector<Value> listed = section.List();
  if (listed.empty() && (section.IsList() || section.IsNull())) {
    section.Error("needs at least one listener");
  }
  const auto tls_before = [&](std::string_view name) -> const tls::ServerTls* {
    for (size_t i = 0; previous != nullptr && i < previous->listeners.size(); ++i) {
      if (previous->listeners[i].settings->name == name) {
        return previous->listeners[i].tls.get();
      }
    }
    return nullptr;
  };
  return proxy::LoadListeners(listed, addresses, tls_before);
}

std::vector<upstream::ClusterSettings> LoadClusterSection(const NamedValues& section) {
  std::vector<upstream::ClusterSettings> out;
  out.reserve(section.size());
  for (const auto& [name, value] : section) {
    if (name.empty()) {
      value.Error("a cluster needs a name");
    }
    out.push_back(upstream::LoadCluster(name, value.Map()));
  }
  return out;
}

route::RouteNames NamesFor(const LoadedSections& sections) {
  route::RouteNames names;
  for (const proxy::LoadedListener& listener : sections.listeners) {
    names.listeners.push_back(listener.settings->name);
  }
  names.clusters.reserve(sections.clusters.size());
  for (const upstream::ClusterSettings& cluster : sections.clusters) {
    names.clusters.push_back(cluster.name);
  }
  return names;
}

// Reads the routes, and notes which clusters they use. Gives them as they are written, unless there
// are mistakes.
std::vector<Value> LoadRouteSection(const Value& section, const config::Diagnostics& diagnostics,
                                    LoadedSections& sections, std::vector<bool>& used) {
  const size_t errors_before = diagnostics.errors();
  std::vector<Value> listed = section.List();
  sections.routes = route::LoadRoutes(listed, NamesFor(sections), used);
  if (diagnostics.errors() != errors_before) {
    // One with mistakes may have meant any.
    used.assign(used.size(), true);
    return {};
  }
  if (listed.empty()) {
    section.Warning("there are no routes: every request is answered with 404");
  }
  WarnOfUnknownLabels(listed, sections.routes, sections.clusters);
  return listed;
}

void WarnOfUnusedClusters(const NamedValues& clusters, const std::vector<bool>& used) {
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (!used[i]) {
      clusters[i].second.Warning("no route uses this cluster");
    }
  }
}

bool CanMatchOn(const route::Route& route, uint32_t listener) {
  const std::vector<uint32_t>& only = route.match.conditions->listeners;
  return only.empty() || std::find(only.begin(), only.end(), listener) != only.end();
}

// The chains of all (listener, route). Most routes add nothing to their listener's chain.
void CompileChains(LoadedSections& sections) {
  pipeline::FilterTable& filters = *sections.filters;
  sections.chains.resize(sections.listeners.size());
  for (uint32_t i = 0; i < sections.listeners.size(); ++i) {
    const std::vector<Value>& own = sections.listeners[i].filters;
    LoadedSections::Chains& chains = sections.chains[i];
    chains.no_route = filters.Compile(own, {}).get();
    chains.by_route.assign(sections.routes.size(), nullptr);
    for (size_t r = 0; r < sections.routes.size(); ++r) {
      const route::LoadedRoute& route = sections.routes[r];
      if (CanMatchOn(*route.route, i)) {
        chains.by_route[r] =
            route.filters.empty() ? chains.no_route : filters.Compile(own, route.filters).get();
      }
    }
  }
  if (sections.listeners.empty()) {
    for (const route::LoadedRoute& route : sections.routes) {
      filters.Compile({}, route.filters);  // For its mistakes.
    }
  }
}

LoadedSections LoadSections(Object& root, const LoadRequest& request, LoadedConfig& out) {
  LoadedSections sections;
  LoadVersion(root.Get("version", About("Version of this format; there is only 1.").Default("1")));
  out.runtime = LoadRuntime(
      root.Child("runtime", "What concerns the whole process: threads, draining, logs, DNS."));
  sections.limits = out.runtime.limits;
  proxy::AddressBook addresses(out.diagnostics);
  out.admin =
      LoadAdmin(root.Child("admin",
                           "The endpoint that shows and steers a running gateway; without this "
                           "section there is none."),
                addresses);
  sections.listeners = LoadListenerSection(
      root.Get("listeners", "Where clients connect; at least one, here or in an included file."),
      request.previous, addresses);

  pipeline::LoadContext context;
  context.metrics = request.activate ? request.metrics : nullptr;
  context.workers = request.workers != 0 ? request.workers : WorkerCount(out.runtime);
  sections.workers = context.workers;
  context.activate = request.activate;
  context.state_dir = out.runtime.state_dir;
  const NamedValues filters = root.Entries(
      "filters", "Filters by a name of your choice; listeners and routes use them by it.");
  sections.filters = std::make_shared<pipeline::FilterTable>(
      filters, *request.catalog, context,
      request.previous == nullptr ? nullptr : request.previous->filters.get());

  const NamedValues clusters = root.Entries(
      "clusters", "Sets of endpoints by a name of your choice; routes send requests to them.");
  sections.clusters = LoadClusterSection(clusters);
  std::vector<bool> used;
  const std::vector<Value> routes =
      LoadRouteSection(root.Get("routes",
                                "What becomes of which request; the first that matches wins, and "
                                "what none matches is answered with 404."),
                       out.diagnostics, sections, used);
  CompileChains(sections);
  WarnOfUnlimitedFallbacks(routes, sections);
  WarnOfMissingClientCertificates(routes, sections);
  AddFilterClusters(sections, used);
  WarnOfUnusedClusters(clusters, used);
  sections.filters->WarnUnused();
  root.Strings("include",
               About("More files, merged with this one at the top level: paths relative to "
                     "this file, in which `*`, `?` and `[...]` stand for what there is.")
                   .Type("path or pattern"));  // They have been read.
  root.NotSupportedYet({"registry"});
  return sections;
}

}  // namespace

std::unique_ptr<LoadedConfig> LoadConfig(const LoadRequest& request) {
  auto out = std::make_unique<LoadedConfig>();
  const auto document =
      config::Configuration::Parse({request.name, request.text, request.path, request.directory},
                                   request.environment, out->diagnostics);
  out->included = document->included();
  if (!document->RootValue().present()) {
    return out;
  }
  LoadedSections sections;
  {
    Object root = document->Root();
    if (request.shape != nullptr) {
      root.Record(*request.shape);
    }
    if (!root.present() || !document->RootValue().IsMap()) {
      return out;
    }
    sections = LoadSections(root, request, *out);
  }  // The root reports its unknown keys.
  if (!out->diagnostics.ok()) {
    return out;
  }
  out->snapshot = BuildSnapshot(std::move(sections), request);
  out->snapshot->config_files = out->diagnostics.files();
  if (request.want_effective) {
    out->effective = EffectiveConfig(document->RootValue());
  }
  return out;
}

}  // namespace gatehouse::server
