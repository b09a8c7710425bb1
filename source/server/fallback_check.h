// SPDX-License-Identifier: Apache-2.0
// Fallbacks for what can't happen.
#pragma once

#include <vector>

#include "source/config/object.h"
#include "source/server/snapshot_builder.h"

namespace gatehouse::server {

// Warns at the routes of `section`, which `sections` was loaded from, that would answer who is
// limited, and have no filter that limits anybody. REQUIRES: the chains are compiled.
void WarnOfUnlimitedFallbacks(const std::vector<config::Value>& section,
                              const LoadedSections& sections);

}  // namespace gatehouse::server
