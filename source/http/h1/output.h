// SPDX-License-Identifier: Apache-2.0
// Writing into memory that was reserved.
#pragma once

#include <cstring>
#include <string_view>

namespace gatehouse::http {

inline constexpr std::string_view kCrlf = "\r\n";

// Copies `text` to `out`, which has room for it; returns its end.
inline char* Put(char* out, std::string_view text) {
  if (!text.empty()) {
    std::memcpy(out, text.data(), text.size());
  }
  return out + text.size();
}

}  // namespace gatehouse::http
