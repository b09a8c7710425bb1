// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/field_parser.h"

#include "source/base/text.h"
#include "source/http/message/byte_scan.h"

namespace gatehouse::http {
namespace {

inline bool IsOws(char c) { return c == ' ' || c == '\t'; }

// The end of the token at `p`. Nearly all are letters, digits and dashes.
inline const char* SkipName(const char* p, bool& underscores) {
  p = SkipAlphanumericOrDash(p);
  uint8_t seen = 0;
  for (uint8_t c = ByteClass(*p); (c & kTokenByte) != 0; c = ByteClass(*++p)) {
    seen |= c;
  }
  underscores = (seen & kUnderscoreByte) != 0;
  return p;
}

Fault NameFault(FieldOrigin origin, std::string_view name, char after) {
  if (name.empty() && IsOws(after)) {
    return MalformedFields(origin, "a field line begins with whitespace");
  }
  if (IsOws(after)) {
    return MalformedFields(origin, "a field name is followed by whitespace");
  }
  if (after == '\r') {
    return MalformedFields(origin, "a field line has no colon");
  }
  return MalformedFields(origin, "a field name is not a token");
}

Fault TooManyFields(FieldOrigin origin) {
  return TooLargeFields(origin, "more fields than the limit allows");
}

}  // namespace

Fault ParseFields(LineReader& lines, FieldOrigin origin, uint32_t max_fields, Headers& headers) {
  uint32_t fields = 0;
  std::string_view line;
  while (lines.Next(line)) {
    if (line.empty()) {
      return lines.at_end() ? Fault() : MalformedFields(origin, "a section goes on after its end");
    }
    bool underscores = false;
    const char* const colon = SkipName(line.data(), underscores);
    const std::string_view name(line.data(), colon - line.data());
    if (*colon != ':' || name.empty()) [[unlikely]] {
      return NameFault(origin, name, *colon);
    }
    if (++fields > max_fields) [[unlikely]] {
      return TooManyFields(origin);
    }
    if (underscores && origin == FieldOrigin::kRequest && LooksLikeKnown(name)) [[unlikely]] {
      continue;
    }
    const auto line_bytes = static_cast<uint32_t>(line.size() + 2);
    if (!headers.AddLine(LookUpName(name), name, TrimOws(line.substr(name.size() + 1)), line_bytes))
        [[unlikely]] {
      return TooManyFields(origin);
    }
  }
  return MalformedFields(origin, "a field has a control character or a line not ended by CRLF");
}

Fault ParseTrailers(std::string_view section, FieldOrigin origin, uint32_t max_fields,
                    Headers& trailers) {
  LineReader lines(CopyWithPadding(section, trailers.arena()));
  const Fault fault = ParseFields(lines, origin, max_fields, trailers);
  RemoveForbiddenTrailers(trailers);
  return fault;
}

}  // namespace gatehouse::http
