// SPDX-License-Identifier: Apache-2.0
// The series of listeners and routes.
#pragma once

#include <string>
#include <vector>

#include "source/proxy/snapshot.h"
#include "source/route/route_config.h"

namespace gatehouse::server {

// gatehouse_listener_...{listener="NAME"}. Control thread.
proxy::ListenerMetrics DefineListenerMetrics(observe::Metrics& metrics,
                                             const std::string& listener);

// gatehouse_route_requests_total{route="NAME"}, by route index; all the same for null. Routes
// without a name share one series: what they would be called changes with their place.
std::vector<proxy::RouteMetrics> DefineRouteMetrics(const std::vector<route::LoadedRoute>& routes,
                                                    observe::Metrics* metrics);

}  // namespace gatehouse::server
