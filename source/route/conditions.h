// SPDX-License-Identifier: Apache-2.0
// What a route asks for beyond its host and its path by segments: tested for candidates only.
#pragma once

#include "source/pipeline/request_values.h"
#include "source/route/route.h"

namespace gatehouse::route {

// Whether a request that fits host and path could still be refused.
bool HasConditions(const RouteMatch& match);

// Whether all conditions hold, the cheap ones first. Allocates nothing (the decoder may take from
// the stream's arena).
bool ConditionsHold(const RouteMatch& match, const RequestFacts& request,
                    pipeline::QueryDecoder& decoder);

}  // namespace gatehouse::route
