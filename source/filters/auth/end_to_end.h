// SPDX-License-Identifier: Apache-2.0
// Which fields of one message another message may have.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/http/message/names.h"

namespace gatehouse::filters {

// Whether a field speaks of what the message is about, rather than of its framing or of one
// connection (RFC 9110 section 7.6.1). `name` in any case.
inline bool IsEndToEnd(std::string_view name) {
  const http::Known known = http::LookUpName(name);
  return !http::IsHopByHop(known) && known != http::Known::kContentLength &&
         known != http::Known::kTrailer && known != http::Known::kExpect;
}

// Whether a Connection field of `fields` takes the field of that name out of what is forwarded.
template <typename Fields>
bool IsNamedByConnection(const Fields& fields, std::string_view name) {
  bool named = false;
  for (const auto& [field, value] : fields) {
    if (EqualsIgnoreCase(field, "connection")) {
      ForEachListElement(value, [&](std::string_view option) {
        named = named || EqualsIgnoreCase(option, name);
        return !named;
      });
    }
  }
  return named;
}

}  // namespace gatehouse::filters
