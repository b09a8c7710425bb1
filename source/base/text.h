// SPDX-License-Identifier: Apache-2.0
// Bytes and numbers as protocols spell them: ASCII only, no locale, no surprises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Equality where ASCII case doesn't count.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

std::string Lowercase(std::string_view text);

// `text` without spaces and tabs (OWS, RFC 9110 section 5.6.3) at both ends.
std::string_view TrimOws(std::string_view text);

// One unsigned decimal number and nothing else: no sign, no space, no overflow.
std::optional<uint64_t> ParseUint(std::string_view text);

// The value of one hexadecimal digit, or -1.
constexpr int HexDigit(char c) {
  if (IsDigit(c)) {
    return c - '0';
  }
  const char lower = ToLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Length of the well-formed UTF-8 sequence at `text[i]` (RFC 3629), or 0. `i` is inside `text`.
size_t Utf8SequenceLength(std::string_view text, size_t i);

// Calls `visit(element)` for each non-empty element of a comma-separated list, trimmed
// (RFC 9110 section 5.6.1). Stops when `visit` returns false.
template <typename Visit>
void ForEachListElement(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = TrimOws(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (!element.empty() && !visit(element)) {
      return;
    }
  }
}

// Appends `value` in decimal to `out`.
void AppendUint(std::string& out, uint64_t value);

// `value` as the inside of a JSON string: quotes, backslashes, control characters escaped; bytes
// that are not UTF-8 become U+FFFD.
void AppendJsonEscaped(std::string& out, std::string_view value);

// The candidate nearest to `word` by edit distance, close enough to be a slip of the pen; empty
// when none is. Linear in the candidates.
template <typename Candidates>
std::string_view Nearest(std::string_view word, const Candidates& candidates);

// Levenshtein distance with transpositions, stopped at `limit` (then limit + 1).
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);

template <typename Candidates>
std::string_view Nearest(std::string_view word, const Candidates& candidates) {
  std::string_view best;
  size_t best_distance = word.size() <= 3 ? 1 : word.size() <= 6 ? 2 : 3;
  for (const auto& candidate : candidates) {
    const std::string_view view(candidate);
    const size_t distance = EditDistance(word, view, best_distance);
    if (distance <= best_distance && (best.empty() || distance < best_distance)) {
      best = view;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace gatehouse
