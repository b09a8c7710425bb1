// SPDX-License-Identifier: Apache-2.0
// One HTTP request over a unix socket, which the HTTP library does not speak.
#pragma once

#include <string>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/server/admin_client.h"

namespace gatehouse::server {

// Sends `head` (request line and fields, each with its line end) and reads the answer to its end,
// waiting at most `limit` for each piece. `head` asks for the connection to be closed.
Result<AdminAnswer> AskUnixSocket(const std::string& path, const std::string& head, Duration limit);

}  // namespace gatehouse::server
