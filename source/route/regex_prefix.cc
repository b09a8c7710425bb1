// SPDX-License-Identifier: Apache-2.0
#include "source/route/regex_prefix.h"

#include <re2/re2.h>

#include <string_view>

namespace gatehouse::route {
namespace {

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// The index past a bracket expression that opens at `at`; "[]x]" and "[^]x]" hold a "]".
size_t SkipClass(std::string_view pattern, size_t at) {
  ++at;
  if (at < pattern.size() && pattern[at] == '^') {
    ++at;
  }
  if (at < pattern.size() && pattern[at] == ']') {
    ++at;
  }
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern.substr(at, 2) == "[:") {  // A named class, "[[:alpha:]]".
      const size_t end = pattern.find(":]", at + 2);
      if (end != std::string_view::npos) {
        at = end + 1;
      }
    }
  }
  return at + 1;
}

// Whether the pattern is one alternative as a whole. Errs on the side of no.
bool IsOneAlternative(std::string_view pattern) {
  size_t depth = 0;
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\\') {
      if (pattern.substr(at, 2) == "\\Q") {
        return false;
      }
      at += 2;
    } else if (c == '[') {
      at = SkipClass(pattern, at);
    } else {
      if (c == '|' && depth == 0) {
        return false;
      }
      depth += c == '(' ? 1 : 0;
      depth -= c == ')' && depth > 0 ? 1 : 0;
      ++at;
    }
  }
  return true;
}

// Whether the character before `rest` may be subject to a repetition. Flags ("(?i)") and a stray
// "\\E" are nothing to RE2: in "b(?i)*", the star is for the b.
bool MayBeRepeated(std::string_view rest) {
  if (rest.starts_with("(?")) {
    return !rest.starts_with("(?:") && !rest.starts_with("(?P<");
  }
  return rest.starts_with("\\E") ||
         (!rest.empty() && std::string_view("?*+{").find(rest.front()) != std::string_view::npos);
}

}  // namespace

std::string LiteralPrefix(const re2::RE2& regex) {
  std::string out;
  const re2::RE2::Options& options = regex.options();
  if (!regex.ok() || options.literal() || !options.case_sensitive() ||
      !IsOneAlternative(regex.pattern())) {
    return out;
  }
  std::string_view left = regex.pattern();
  if (left.starts_with('^')) {
    left.remove_prefix(1);
  }
  while (!left.empty()) {
    const bool escaped = left.front() == '\\';
    if (escaped && left.size() == 1) {
      break;
    }
    const char c = escaped ? left[1] : left[0];
    // Escaped letters and digits are classes, anchors or codes; bytes past ASCII may be part of a
    // character that a repetition takes whole.
    const bool literal =
        static_cast<unsigned char>(c) < 0x80 &&
        (escaped ? !IsAlphanumeric(c)
                 : std::string_view("^$.|?*+()[]{}").find(c) == std::string_view::npos);
    if (!literal) {
      break;
    }
    left.remove_prefix(escaped ? 2 : 1);
    if (MayBeRepeated(left)) {
      break;
    }
    out.push_back(c);
  }
  return out;
}

}  // namespace gatehouse::route
