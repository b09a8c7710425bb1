// SPDX-License-Identifier: Apache-2.0
// Response heads (RFC 9112 sections 4 and 5).
#pragma once

#include <string_view>

#include "source/http/codec.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// Parses a whole head, from the status line to the empty line, that ScanHead() has found and that
// answers a `method` request; copies it to head's arena. Faults are kMalformedResponse.
Fault ParseResponseHead(std::string_view bytes, Method method, const CodecLimits& limits,
                        ResponseHead& head);

}  // namespace gatehouse::http
