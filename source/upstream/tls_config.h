// SPDX-License-Identifier: Apache-2.0
// Reads `tls:` of a cluster.
#pragma once

#include "source/config/object.h"
#include "source/upstream/cluster.h"

namespace gatehouse::upstream {

// Never fails: what is wrong is in `in`'s diagnostics. `cluster` has its endpoints already. The
// files are read, so that what they hold is known to be good.
void LoadClusterTls(config::Object in, ClusterSettings& cluster);

}  // namespace gatehouse::upstream
