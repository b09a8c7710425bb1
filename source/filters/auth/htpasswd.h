// SPDX-License-Identifier: Apache-2.0
// htpasswd files: one NAME:HASH a line, `#` starts a comment line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/filters/auth/password_hash.h"

namespace gatehouse::filters {

struct HtpasswdEntry {
  std::string name;
  std::string hash;
  PasswordScheme scheme = PasswordScheme::kBcrypt;
  uint32_t line = 0;  // From 1; 0: not of a file.
};

// One line, not empty. Names have no colon (RFC 7617 section 2) and no control characters. Errors
// never quote the hash.
Result<HtpasswdEntry> ParseHtpasswdLine(std::string_view line);

// The entries of a file; what is wrong goes to `mistake(line, message)`, and so does a name that
// appears a second time.
std::vector<HtpasswdEntry> ParseHtpasswd(
    std::string_view text,
    const std::function<void(uint32_t line, const std::string& message)>& mistake);

}  // namespace gatehouse::filters
