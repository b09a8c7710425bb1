// SPDX-License-Identifier: Apache-2.0
// Reads one entry of `clusters:`.
#pragma once

#include <string>

#include "source/config/object.h"
#include "source/config/values.h"
#include "source/upstream/cluster.h"

namespace gatehouse::upstream {

// Never fails: what is wrong is in `in`'s diagnostics, and the endpoints that can't be used are
// left out. IP addresses come out in canonical form and hostnames in lower case.
ClusterSettings LoadCluster(std::string name, config::Object in);

// One endpoint at `address`, a host and a port that is not 0, and the defaults of every cluster.
ClusterSettings ClusterOf(std::string name, const config::Address& address);

}  // namespace gatehouse::upstream
