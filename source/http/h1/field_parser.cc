// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/field_parser.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr size_t kPadding = 16;

Fault Malformed(FieldOrigin origin, const char* reason) {
  return {origin == FieldOrigin::kRequest ? ErrorCode::kMalformedRequest
                                          : ErrorCode::kMalformedResponse,
          reason};
}

// The CR that ends the line around `p`. There is one, and padding after it.
inline const char* LineEnd(const char* p) {
#ifdef __SSE2__
  const __m128i cr = _mm_set1_epi8('\r');
  for (;; p += kPadding) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const uint32_t mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, cr));
    if (mask != 0) {
      return p + std::countr_zero(mask);
    }
  }
#else
  while (*p != '\r') {
    ++p;
  }
  return p;
#endif
}

inline bool IsOws(char c) { return c == ' ' || c == '\t'; }

// Whether `name` is a known one, but for underscores.
bool LooksLikeKnown(std::string_view name) {
  std::array<char, 32> dashed;
  if (name.size() > dashed.size()) {
    return false;
  }
  std::replace_copy(name.begin(), name.end(), dashed.begin(), '_', '-');
  return LookUpName({dashed.data(), name.size()}) != Known::kNone;
}

Fault NameFault(FieldOrigin origin, std::string_view name, char after) {
  if (name.empty() && IsOws(after)) {
    return Malformed(origin, "a field line begins with whitespace");
  }
  if (IsOws(after)) {
    return Malformed(origin, "a field name is followed by whitespace");
  }
  if (after == '\r') {
    return Malformed(origin, "a field line has no colon");
  }
  return Malformed(origin, "a field name is not a token");
}

Fault TooManyFields(FieldOrigin origin) {
  return {
      origin == FieldOrigin::kRequest ? ErrorCode::kHeadersTooLarge : ErrorCode::kMalformedResponse,
      "more fields than the limit allows"};
}

bool IsForbiddenTrailer(const Field& field) {
  switch (field.known) {
    case Known::kDate:
    case Known::kServer:
    case Known::kXRequestId:
      return false;
    case Known::kNone:
      break;
    default:
      return true;
  }
  static constexpr std::string_view kForbidden[] = {"age",
                                                    "cache-control",
                                                    "content-disposition",
                                                    "content-encoding",
                                                    "content-range",
                                                    "content-location",
                                                    "content-language",
                                                    "expires",
                                                    "if-match",
                                                    "if-modified-since",
                                                    "if-none-match",
                                                    "if-range",
                                                    "pragma",
                                                    "if-unmodified-since",
                                                    "proxy-authenticate",
                                                    "proxy-authorization",
                                                    "range",
                                                    "retry-after",
                                                    "set-cookie",
                                                    "vary",
                                                    "www-authenticate"};
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](std::string_view name) { return EqualsIgnoreCase(name, field.name); });
}

}  // namespace

std::string_view CopyWithPadding(std::string_view text, Arena& arena) {
  char* out = static_cast<char*>(arena.Allocate(text.size() + kPadding));
  std::memcpy(out, text.data(), text.size());
  std::memset(out + text.size(), 0, kPadding);
  return {out, text.size()};
}

Fault ParseFields(std::string_view text, FieldOrigin origin, uint32_t max_fields,
                  Headers& headers) {
  uint32_t fields = 0;
  const char* line = text.data();
  while (*line != '\r') {
    const char* p = line;
    uint8_t seen = 0;
    for (uint8_t c = ByteClass(*p); (c & kTokenByte) != 0; c = ByteClass(*++p)) {
      seen |= c;
    }
    const std::string_view name(line, p - line);
    if (*p != ':' || name.empty()) [[unlikely]] {
      return NameFault(origin, name, *p);
    }
    ++p;
    while (IsOws(*p)) {
      ++p;
    }
    const char* const end = LineEnd(p);
    const char* value_end = end;
    while (value_end != p && IsOws(value_end[-1])) {
      --value_end;
    }
    const Known known = LookUpName(name);
    const std::string_view value(p, value_end - p);
    const auto line_bytes = static_cast<uint32_t>(end + 2 - line);
    line = end + 2;
    if (++fields > max_fields) [[unlikely]] {
      return TooManyFields(origin);
    }
    if ((seen & kUnderscoreByte) != 0 && origin == FieldOrigin::kRequest && LooksLikeKnown(name)) {
      continue;
    }
    if (!headers.AddLine(known, name, value, line_bytes)) [[unlikely]] {
      return TooManyFields(origin);
    }
  }
  return {};
}

void RemoveForbiddenTrailers(Headers& trailers) {
  for (const Field& field : trailers) {
    if (!field.name.empty() && IsForbiddenTrailer(field)) {
      trailers.Remove(field.name);
    }
  }
}

}  // namespace gatehouse::http
