// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/value_match.h"

#include <re2/re2.h>

namespace gatehouse::pipeline {

bool ValueMatch::Matches(std::optional<std::string_view> value) const {
  if (!value) {
    return kind == Kind::kAbsent;
  }
  switch (kind) {
    case Kind::kExact:
      return *value == text;
    case Kind::kPrefix:
      return value->starts_with(text);
    case Kind::kSuffix:
      return value->ends_with(text);
    case Kind::kContains:
      return value->find(text) != std::string_view::npos;
    case Kind::kRegex:
      return re2::RE2::FullMatch({value->data(), value->size()}, *regex);
    case Kind::kPresent:
      return true;
    case Kind::kAbsent:
      return false;
  }
  return false;
}

}  // namespace gatehouse::pipeline
