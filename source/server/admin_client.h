// SPDX-License-Identifier: Apache-2.0
// Asks the admin endpoint of a running gateway.
#pragma once

#include <string>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/server/commands.h"

namespace gatehouse::server {

struct AdminAnswer {
  int status = 0;
  std::string body;
};

// Where to ask, and with which token: as `target` says, else as its configuration does, whatever
// else is wrong in that, else the default address without a token.
Result<AdminTarget> ResolveAdminTarget(const AdminTarget& target);

// Blocks until there is an answer, at most `limit`. Errors are sentences: nobody listens, nobody
// answers, the token is missing or wrong. `target` is resolved.
Result<AdminAnswer> AskAdmin(const AdminTarget& target, const std::string& method,
                             const std::string& path, Duration limit);

}  // namespace gatehouse::server
