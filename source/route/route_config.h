// SPDX-License-Identifier: Apache-2.0
// Loads the `routes:` section.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/route/route.h"

namespace gatehouse::route {

// Names that routes refer to, by declaration index.
struct RouteNames {
  std::vector<std::string> listeners;
  std::vector<std::string> clusters;
};

struct LoadedRoute {
  std::shared_ptr<Route> route;        // Changes until it is part of a snapshot.
  std::vector<config::Value> filters;  // As written, for FilterTable::Compile.
  config::Position position;
};

// Reads all routes; mistakes, and warnings such as shadowed routes, go to the diagnostics of
// `section`. `used_clusters` (one flag per cluster) is set for those that are referred to.
std::vector<LoadedRoute> LoadRoutes(const std::vector<config::Value>& section,
                                    const RouteNames& names, std::vector<bool>& used_clusters);

}  // namespace gatehouse::route
