// SPDX-License-Identifier: Apache-2.0
#include "source/route/route.h"

#include <re2/re2.h>

namespace gatehouse::route {

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

bool Conditions::empty() const {
  return methods.empty() && headers.empty() && query.empty() && cookies.empty() &&
         client_ip.empty() && scheme.empty() && listeners.empty();
}

const Arm& Forward::ArmAt(uint64_t draw) const {
  draw %= total_weight;
  for (const Arm& arm : arms) {
    if (draw < arm.weight) {
      return arm;
    }
    draw -= arm.weight;
  }
  return arms.back();
}

}  // namespace gatehouse::route
