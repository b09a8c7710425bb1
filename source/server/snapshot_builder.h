// SPDX-License-Identifier: Apache-2.0
// From sections without mistakes to a snapshot: what did not change is taken over from the one
// before.
#pragma once

#include <memory>
#include <vector>

#include "source/proxy/listener_config.h"
#include "source/route/route_config.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {

// What was read of one configuration. Chains belong to `filters`.
struct LoadedSections {
  proxy::LoopLimits limits;
  std::vector<proxy::LoadedListener> listeners;
  std::vector<upstream::ClusterSettings> clusters;
  std::vector<route::LoadedRoute> routes;
  std::shared_ptr<pipeline::FilterTable> filters;
  struct Chains {
    std::vector<const pipeline::Chain*> by_route;  // Null: the route can't match here.
    const pipeline::Chain* no_route = nullptr;
  };
  std::vector<Chains> chains;  // By listener.
  uint32_t workers = 1;        // That will serve it.
};

std::shared_ptr<proxy::Snapshot> BuildSnapshot(LoadedSections sections, const LoadRequest& request);

}  // namespace gatehouse::server
