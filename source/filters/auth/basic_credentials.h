// SPDX-License-Identifier: Apache-2.0
// Credentials of the Basic authentication scheme (RFC 7617).
#pragma once

#include <string_view>

#include "source/base/arena.h"
#include "source/base/error.h"

namespace gatehouse::filters {

// Of the arena: they live as long as the stream.
struct BasicCredentials {
  std::string_view user;
  std::string_view password;  // May hold colons.
};

// What follows "Basic " in an Authorization field: base64 of USER:PASSWORD, with its padding and
// nothing after it (RFC 4648 section 4). Control characters are refused in both (RFC 7617 section
// 2). Errors don't quote.
Result<BasicCredentials> ParseBasicCredentials(std::string_view token68, Arena& arena);

}  // namespace gatehouse::filters
