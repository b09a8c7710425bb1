// SPDX-License-Identifier: Apache-2.0
// `any_of: [jwt, api_key]`: the first filter that accepts the request's credentials lets it in.
//
// Each is asked in turn, as if it stood alone; the next one when it refuses. When all refuse, the
// answer is that of the first that found credentials of its kind, else one that leads to where they
// are had (a redirect), else a 401 with the challenges of all (RFC 9110 section 11.6.1). A filter
// that lets requests without credentials pass does so only when no other finds any.
// Credentials that only the others look at are taken out of a request that one has let in: nobody
// has verified them.
#pragma once

#include <memory>
#include <vector>

#include "source/pipeline/filter.h"

namespace gatehouse::pipeline {

// How it is called in chains and explanations.
inline constexpr std::string_view kAnyOf = "any_of";

// REQUIRES: the types of `members` have FilterType::authenticates, and there is at least one.
std::shared_ptr<FilterDefinition> AnyOf(
    std::vector<std::shared_ptr<const FilterDefinition>> members);

}  // namespace gatehouse::pipeline
