// SPDX-License-Identifier: Apache-2.0
// Finds redirects that lead back to their own route, so that clients never arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/route/route.h"

namespace gatehouse::route {

struct RedirectLoop {
  uint32_t position;  // In the routes.
  std::string from;   // A request that the route takes, "http://example.com/a".
  std::string to;     // Where it is sent.
};

// Follows one request of each redirect, where it is plain what that would be: routes with
// conditions beyond host, path, scheme and listener are left out, and so are those that send to
// another port or, from certain listeners, to another scheme.
std::vector<RedirectLoop> FindRedirectLoops(
    const std::vector<std::shared_ptr<const Route>>& routes);

}  // namespace gatehouse::route
