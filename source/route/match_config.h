// SPDX-License-Identifier: Apache-2.0
// Loads what a route matches.
#pragma once

#include "source/config/object.h"
#include "source/route/load_context.h"
#include "source/route/route.h"

namespace gatehouse::route {

RouteMatch LoadMatch(config::Object in, LoadContext& context);

}  // namespace gatehouse::route
