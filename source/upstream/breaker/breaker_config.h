// SPDX-License-Identifier: Apache-2.0
// Reads `circuit_breaker:` of a cluster.
#pragma once

#include "source/config/object.h"
#include "source/upstream/breaker/settings.h"

namespace gatehouse::upstream {

// Never fails: mistakes are in `in`'s diagnostics. Of an absent mapping it is not enabled.
BreakerSettings LoadBreaker(config::Object in);

}  // namespace gatehouse::upstream
