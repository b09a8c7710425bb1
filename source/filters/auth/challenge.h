// SPDX-License-Identifier: Apache-2.0
// What WWW-Authenticate is made of (RFC 9110 section 11.6.1).
#pragma once

#include <string>
#include <string_view>

#include "source/config/object.h"

namespace gatehouse::filters {

// In double quotes, with backslashes before what needs them (RFC 9110 section 5.6.4).
std::string QuotedString(std::string_view text);

// `realm="..."`, of the key `realm`.
std::string LoadRealm(config::Object& in);

}  // namespace gatehouse::filters
