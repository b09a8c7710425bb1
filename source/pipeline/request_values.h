// SPDX-License-Identifier: Apache-2.0
// The values that a name has in a request: header lines, query parameters, cookies.
//
// A name may appear more than once, and a match holds when any of its values does: looking at the
// first alone would let a second one past that the upstream reads instead.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/text.h"
#include "source/http/message/head.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::pipeline {

// Decodes query components: "%41" is "A", "+" a space; what isn't valid percent-encoding stays as
// it is (WHATWG URL, application/x-www-form-urlencoded parsing). One per match, on the stack:
// components longer than its buffer go to the stream's arena, each once for a run of tests.
class QueryDecoder {
 public:
  explicit QueryDecoder(Arena& arena) : arena_(arena) {}

  // `raw` decoded; valid until the next call.
  std::string_view Decode(std::string_view raw);
  // Whether `raw` decodes to `text`. Needs no memory.
  static bool Equals(std::string_view raw, std::string_view text);

 private:
  static constexpr size_t kBufferBytes = 512;
  Arena& arena_;
  std::string_view last_raw_;
  std::string_view last_decoded_;
  std::array<char, kBufferBytes> buffer_;
};

// Each calls `visit(value)` for the values of `name` in order, until it returns false.

template <typename Visit>
void ForEachHeaderValue(const http::Headers& headers, std::string_view name, Visit visit) {
  for (const http::Field* field = headers.Find(name); field != nullptr;
       field = headers.Next(*field)) {
    if (!visit(field->value)) {
      return;
    }
  }
}

// Names are compared decoded, and values come decoded: "?de%62ug=1" has a "debug".
template <typename Visit>
void ForEachQueryValue(std::string_view query, std::string_view name, QueryDecoder& decoder,
                       Visit visit) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = pair.find('=');
    if (pair.empty() || !QueryDecoder::Equals(pair.substr(0, equals), name)) {
      continue;
    }
    const std::string_view raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!visit(decoder.Decode(raw))) {
      return;
    }
  }
}

// From all Cookie lines (HTTP/2 may split them, RFC 9113 section 8.2.3); without the double quotes
// around a value (RFC 6265 section 4.1.1), otherwise as sent.
template <typename Visit>
void ForEachCookieValue(const http::Headers& headers, std::string_view name, Visit visit) {
  for (const http::Field* field = headers.Find(http::Known::kCookie); field != nullptr;
       field = headers.Next(*field)) {
    std::string_view left = field->value;
    while (!left.empty()) {
      const size_t end = left.find(';');
      const std::string_view pair = left.substr(0, end);
      left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
      const size_t equals = pair.find('=');
      if (equals == std::string_view::npos || TrimOws(pair.substr(0, equals)) != name) {
        continue;
      }
      std::string_view value = TrimOws(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (!visit(value)) {
        return;
      }
    }
  }
}

// Whether `match` holds for any of the values that `for_each(visit)` finds, or for their absence.
template <typename ForEach>
bool AnyValueMatches(const ValueMatch& match, ForEach for_each) {
  bool found = false;
  bool matches = false;
  for_each([&](std::string_view value) {
    found = true;
    matches = match.Matches(value);
    return !matches;
  });
  return found ? matches : match.Matches(std::nullopt);
}

inline bool HeaderMatches(const ValueMatch& match, const http::RequestHead& head) {
  return AnyValueMatches(match,
                         [&](auto visit) { ForEachHeaderValue(head.headers, match.name, visit); });
}

inline bool QueryMatches(const ValueMatch& match, const http::RequestHead& head,
                         QueryDecoder& decoder) {
  return AnyValueMatches(
      match, [&](auto visit) { ForEachQueryValue(head.query, match.name, decoder, visit); });
}

inline bool CookieMatches(const ValueMatch& match, const http::RequestHead& head) {
  return AnyValueMatches(match,
                         [&](auto visit) { ForEachCookieValue(head.headers, match.name, visit); });
}

}  // namespace gatehouse::pipeline
