// SPDX-License-Identifier: Apache-2.0
// A test of one value: of a header, a query parameter, a cookie, a claim.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace gatehouse::pipeline {

struct ValueMatch {
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kRegex, kPresent, kAbsent };
  std::string name;  // Headers: lower case.
  Kind kind = Kind::kExact;
  std::string text;
  std::shared_ptr<const re2::RE2> regex;  // kRegex: full match.

  // `value`: nothing when the name does not appear.
  bool Matches(std::optional<std::string_view> value) const;
};

}  // namespace gatehouse::pipeline
