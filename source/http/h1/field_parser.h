// SPDX-License-Identifier: Apache-2.0
// Field lines of a head or trailer section (RFC 9112 section 5).
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/h1/syntax.h"
#include "source/http/message/headers.h"

namespace gatehouse::http {

// Whose fields are read: a fault's code depends on it, and requests lose fields whose names are
// those of known ones but for '_' in place of '-' (Content_Length): servers that speak CGI can't
// tell the two apart, so a client could slip one past us.
enum class FieldOrigin : uint8_t { kRequest, kResponse };

// A copy of `text` in `arena` with readable bytes after its end, as ParseFields() wants it.
std::string_view CopyWithPadding(std::string_view text, Arena& arena);

// Parses the lines of `text` into `headers`. REQUIRES: ScanHead() has found `text` whole, so that
// it is CRLF-terminated lines, an empty one last; it came from CopyWithPadding() and lives as long
// as `headers`.
//
// Refused: names that are no tokens, whitespace before the colon (RFC 9112 section 5.1), folded
// lines (section 5.2), more than `max_fields`.
Fault ParseFields(std::string_view text, FieldOrigin origin, uint32_t max_fields, Headers& headers);

// Removes what must not come in a trailer section: fields for framing, routing, authentication,
// connections, request conditions and content (RFC 9110 section 6.5.1).
void RemoveForbiddenTrailers(Headers& trailers);

}  // namespace gatehouse::http
