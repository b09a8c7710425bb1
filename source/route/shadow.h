// SPDX-License-Identifier: Apache-2.0
// Finds routes that never get a request, because those declared before them take all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "source/route/route.h"

namespace gatehouse::route {

struct Shadowed {
  uint32_t position;         // In the routes.
  std::vector<uint32_t> by;  // Positions of those that together take all its hosts; ascending.
};

// Misses some on purpose: it knows that "/a" takes all of "/a/b", not what expressions have in
// common, and it looks at a bounded number of earlier routes for each, so that large tables load in
// linear time.
std::vector<Shadowed> FindShadowed(std::span<const std::shared_ptr<const Route>> routes);

}  // namespace gatehouse::route
