// SPDX-License-Identifier: Apache-2.0
// The clusters that filters send requests of their own to.
#pragma once

#include <vector>

#include "source/server/snapshot_builder.h"

namespace gatehouse::server {

// After the chains of `sections` have been compiled: adds the clusters that filters made from URLs,
// and reports those that filters name and nobody defines. `used` has a flag for each cluster of
// `clusters:`, which is set for those that filters name.
void AddFilterClusters(LoadedSections& sections, std::vector<bool>& used);

}  // namespace gatehouse::server
