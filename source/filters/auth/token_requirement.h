// SPDX-License-Identifier: Apache-2.0
// What a token must grant to whoever wants to pass.
//
//   require:
//     scope: "orders.read orders.write"              # all of them; or
//     scopes: {all: [orders.read], any: [eu, us]}
//     claims: {tenant: acme, roles: {any: [admin, clerk]}, groups: {all: [staff]}}
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "source/config/object.h"
#include "source/filters/auth/verified_token.h"

namespace gatehouse::filters {

// Immutable; any thread.
class TokenRequirement {
 public:
  // What stands at the key `require`; nothing of it: every token will do.
  static TokenRequirement Load(config::Object& in);

  bool Met(const VerifiedToken& token) const;
  // The scopes it names, separated by spaces, for `scope` of a challenge (RFC 6750 section 3).
  std::string Scopes() const;

 private:
  // All of `all` are there and, when there are any in it, one of `any`.
  struct Names {
    std::vector<std::string> all;
    std::vector<std::string> any;
  };
  static Names LoadNames(config::Object in, std::string_view what);
  static Names LoadClaim(const config::Value& value);

  Names scopes_;
  std::vector<std::pair<std::string, Names>> claims_;  // By the claim's name.
};

}  // namespace gatehouse::filters
