// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/line_reader.h"

#include <cstring>

namespace gatehouse::http {

std::string_view CopyWithPadding(std::string_view text, Arena& arena) {
  char* out = static_cast<char*>(arena.Allocate(text.size() + kScanPadding));
  std::memcpy(out, text.data(), text.size());
  std::memset(out + text.size(), 0, kScanPadding);
  return {out, text.size()};
}

}  // namespace gatehouse::http
