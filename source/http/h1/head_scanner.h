// SPDX-License-Identifier: Apache-2.0
// Finds the end of a head or trailer section in what has arrived, and notices early when there will
// be none.
#pragma once

#include <cstddef>
#include <string_view>

namespace gatehouse::http {

struct HeadScan {
  enum class Outcome : unsigned char { kIncomplete, kWhole, kBadByte };
  Outcome outcome = Outcome::kIncomplete;
  // kWhole: the size of the section, its empty line included; its bytes are yet to be checked.
  // kIncomplete: where to go on when there is more. kBadByte: its offset.
  size_t at = 0;
};

// Looks through `input`, which begins with a line that is not empty, from `from`: 0, or what an
// incomplete scan of a prefix returned. Lines end in CRLF and nothing else: in a section that is
// not whole, a bare CR or LF, NUL and the other control characters except HTAB, and DEL are bad
// (RFC 9112 section 2.2, RFC 9110 section 5.5).
HeadScan ScanHead(std::string_view input, size_t from);

}  // namespace gatehouse::http
