// SPDX-License-Identifier: Apache-2.0
// Who a request is for: the authority of Host, :authority and absolute-form targets.
#pragma once

#include <optional>
#include <string_view>

#include "source/base/arena.h"

namespace gatehouse::http {

// The host of `authority` ("host", "host:port", "[v6]:port") as it is matched: lower case, without
// the port and one trailing dot, IPv6 in its brackets. A view into `authority` when that is spelled
// so already, else into `arena`.
//
// Stricter than RFC 3986 section 3.2, since whatever is unusual here is read differently by
// somebody behind us: no userinfo (RFC 9110 section 4.2.4), no percent-encoding, no sub-delims, no
// zone, a port of at most 65535 when there is one. Nothing for anything else, an empty host too.
std::optional<std::string_view> NormaliseHost(std::string_view authority, Arena& arena);

}  // namespace gatehouse::http
