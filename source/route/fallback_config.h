// SPDX-License-Identifier: Apache-2.0
// Reads `fallback:` of a route.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/route/load_context.h"
#include "source/route/route.h"

namespace gatehouse::route {

// The word of a reason in configurations and logs: "circuit_open".
std::string_view ReasonName(FallbackReason reason);

// What it is for, as `when` has it.
std::vector<std::string> WordsOf(const Fallback& fallback);

// Never fails: mistakes are in `in`'s diagnostics. `forward` is the route's own.
Fallback LoadFallback(config::Object in, const Forward& forward, LoadContext& context);

}  // namespace gatehouse::route
