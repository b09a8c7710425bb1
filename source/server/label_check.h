// SPDX-License-Identifier: Apache-2.0
// Labels that a route or its fallback asks for and no endpoint has: a typing error, most often.
#pragma once

#include <vector>

#include "source/config/object.h"
#include "source/route/route_config.h"
#include "source/upstream/cluster.h"

namespace gatehouse::server {

// Warns at the routes of `section` that `routes` was loaded from. `clusters` are all there are, by
// the indexes that the routes have.
void WarnOfUnknownLabels(const std::vector<config::Value>& section,
                         const std::vector<route::LoadedRoute>& routes,
                         const std::vector<upstream::ClusterSettings>& clusters);

}  // namespace gatehouse::server
