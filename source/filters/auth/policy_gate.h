// SPDX-License-Identifier: Apache-2.0
// Tells at a glance which rules of a long list can't apply, without looking at their conditions.
//
// Methods, the names that rules ask of the caller and the first segments of paths are hashed to
// bits. A rule applies only to requests that have one of its bits in each word: four AND operations
// on 32 bytes that lie side by side.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "source/http/message/head.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

// Of a rule: what a request must have one of. Of a request: what it has.
struct PolicyGate {
  static constexpr uint64_t kAnything = ~uint64_t{0};

  uint64_t caller = kAnything;   // Subject, kind, filter and groups.
  uint64_t details = kAnything;  // Claims and attributes.
  uint64_t path = kAnything;
  uint64_t methods = kAnything;

  bool Lets(const PolicyGate& request) const {
    return ((caller & request.caller) != 0) & ((details & request.details) != 0) &
           ((path & request.path) != 0) & ((methods & request.methods) != 0);
  }

  // A condition that only these can meet.
  void NeedsOneOf(const observe::IdentityField& field, std::span<const std::string> values);
  void NeedsOneOfPaths(std::span<const std::string> paths);  // Prefixes as well.
  void NeedsMethods(uint64_t bits);

  static uint64_t MethodBit(http::Method method) { return 2u << static_cast<uint32_t>(method); }
  // `identity` may be null.
  static PolicyGate Of(const http::RequestHead& head, const observe::Identity* identity);
};

}  // namespace gatehouse::filters
