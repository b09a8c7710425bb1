// SPDX-License-Identifier: Apache-2.0
// Request heads (RFC 9112 sections 3 and 5). What could be read in two ways is refused.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version = Version::kHttp11;
};

// `line` has no CRLF. Fills as much of `out` as is sound.
Fault ParseRequestLine(std::string_view line, RequestLine& out);

// Parses a whole head, from the request line to the empty line, that ScanHead() has found; copies
// it to head's arena. On a fault `head` holds what was read before it.
Fault ParseRequestHead(std::string_view bytes, const CodecLimits& limits, RequestHead& head);

// How a head that exceeds max_header_bytes, as `bytes` do, is refused: for its request line if that
// alone does, else for its fields.
Fault TooLargeFault(std::string_view bytes, const CodecLimits& limits);

// What can be told of a request that is refused before its head is whole, for its log line: method
// and target, when `bytes` begin with a sound request line.
void FillFromRequestLine(std::string_view bytes, RequestHead& head);

}  // namespace gatehouse::http
