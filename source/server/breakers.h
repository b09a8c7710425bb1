// SPDX-License-Identifier: Apache-2.0
// The circuit breakers of a snapshot.
#pragma once

#include <vector>

#include "source/route/route_config.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {

// One for each cluster that wants any, and for each set of labels that `routes` ask of one whose
// scope is labels: so there are never more than the configuration has lines. Arms learn theirs. A
// breaker of the snapshot before goes on if its settings are the same, whatever else changed.
// REQUIRES: `out` has its clusters.
void BuildBreakers(std::vector<route::LoadedRoute>& routes, uint32_t workers,
                   const LoadRequest& request, proxy::Snapshot& out);

}  // namespace gatehouse::server
