// SPDX-License-Identifier: Apache-2.0
// Field lines of a head or trailer section (RFC 9112 section 5).
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/h1/line_reader.h"
#include "source/http/message/field_rules.h"
#include "source/http/message/headers.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// Parses the lines up to the empty one that ends the section into `headers`, which keep views into
// them. Refused: names that are no tokens, whitespace before the colon (RFC 9112 section 5.1),
// folded lines (section 5.2), what LineReader refuses, more than `max_fields`.
Fault ParseFields(LineReader& lines, FieldOrigin origin, uint32_t max_fields, Headers& headers);

// The same for a trailer section, an empty line at its end, without what must not come there:
// fields for framing, routing, authentication, connections, request conditions and content
// (RFC 9110 section 6.5.1).
Fault ParseTrailers(std::string_view section, FieldOrigin origin, uint32_t max_fields,
                    Headers& trailers);

}  // namespace gatehouse::http
