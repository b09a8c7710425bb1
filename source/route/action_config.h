// SPDX-License-Identifier: Apache-2.0
// Loads what a route does: forward, redirect or respond.
#pragma once

#include <variant>

#include "source/config/object.h"
#include "source/route/load_context.h"
#include "source/route/route.h"

namespace gatehouse::route {

// Exactly one of cluster, split, redirect, respond of the route `in`, with the keys that belong to
// it. After errors the action is of no use, but safe to look at.
RouteAction LoadAction(config::Object& in, const RouteMatch& match, LoadContext& context);

// The parts of LoadAction, one file each.
Forward LoadForward(config::Object& in, const RouteMatch& match, LoadContext& context);
void LoadRewrite(config::Object in, const RouteMatch& match, LoadContext& context, Forward& out);
Redirect LoadRedirect(config::Object in, const RouteMatch& match, LoadContext& context);
// Reads its keys only, so that others may stand beside them.
Respond LoadRespond(config::Object& in);
// Whether the file that the answer was read from, if any, is still the same.
bool SourceUnchanged(const Respond& respond);

}  // namespace gatehouse::route
