// SPDX-License-Identifier: Apache-2.0
// Which fields are taken, whatever version of HTTP they came in.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/message/headers.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// Whose fields are read: a fault's code depends on it, and requests lose fields whose names are
// those of known ones but for '_' in place of '-' (Content_Length): servers that speak CGI can't
// tell the two apart, so a client could slip one past us.
enum class FieldOrigin : uint8_t { kRequest, kResponse };

inline Fault MalformedFields(FieldOrigin origin, const char* reason) {
  return {origin == FieldOrigin::kRequest ? ErrorCode::kMalformedRequest
                                          : ErrorCode::kMalformedResponse,
          reason};
}

// More of them than max_headers, or larger than max_header_bytes.
inline Fault TooLargeFields(FieldOrigin origin, const char* reason) {
  return {
      origin == FieldOrigin::kRequest ? ErrorCode::kHeadersTooLarge : ErrorCode::kMalformedResponse,
      reason};
}

// Whether `name` is a known one, but for underscores.
bool LooksLikeKnown(std::string_view name);

// Removes what must not come in trailers: fields for framing, routing, authentication, connections,
// request conditions and content (RFC 9110 section 6.5.1).
void RemoveForbiddenTrailers(Headers& trailers);

}  // namespace gatehouse::http
