// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/token_requirement.h"

#include <algorithm>
#include <string_view>

#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

using config::Object;
using config::Value;

// RFC 6749 section 3.3.
bool IsScope(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
}

void CheckScopes(const std::vector<std::string>& scopes, const Value& at) {
  for (const std::string& scope : scopes) {
    if (!IsScope(scope)) {
      at.Error("\"" + scope + "\" is not a scope: one has no spaces, quotes or control characters");
    }
  }
}

std::vector<std::string> SplitScopes(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end != 0) {
      out.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Whether `has(name)` holds for all, and for any, of the names.
template <typename Names, typename Has>
bool Holds(const Names& names, Has has) {
  return std::all_of(names.all.begin(), names.all.end(), has) &&
         (names.any.empty() || std::any_of(names.any.begin(), names.any.end(), has));
}

}  // namespace

TokenRequirement::Names TokenRequirement::LoadNames(Object in, std::string_view what) {
  const std::string all = "Every one of these " + std::string(what) + " must be there.";
  const std::string any = "One of these " + std::string(what) + " must be there.";
  Names out{in.Strings("all", config::About(std::string_view(all))),
            in.Strings("any", config::About(std::string_view(any)))};
  if (in.present() && out.all.empty() && out.any.empty()) {
    in.Error("needs `all` or `any`, with at least one element");
  }
  return out;
}

TokenRequirement::Names TokenRequirement::LoadClaim(const Value& value) {
  if (value.IsMap()) {
    return LoadNames(value.Map(), "values");
  }
  if (!value.IsScalar()) {
    value.Error("must be the claim's value, {all: [...]} or {any: [...]}");
    return {};
  }
  return {{value.String()}, {}};
}

TokenRequirement TokenRequirement::Load(Object& in) {
  TokenRequirement out;
  const Value given = in.Get("require", "What a token must grant; without that, 403.");
  if (given.IsNull()) {
    given.Error("has no value: {} is what requires nothing");
  }
  Object require = given.Map();
  const Value scope = require.Get(
      "scope", config::About("Scopes that a token must have, all of them, separated by spaces.")
                   .Example("orders.read"));
  const Value scopes = require.Get("scopes", "Scopes that a token must have.");
  if (scope.present()) {
    out.scopes_.all = SplitScopes(scope.String());
    CheckScopes(out.scopes_.all, scope);
    if (scope.IsScalar() && out.scopes_.all.empty()) {
      scope.Error("needs at least one scope");
    }
  }
  if (scopes.present()) {
    out.scopes_ = LoadNames(scopes.Map(), "scopes");
    CheckScopes(out.scopes_.all, scopes);
    CheckScopes(out.scopes_.any, scopes);
  }
  if (scope.present() && scopes.present()) {
    require.Error("scopes", "stands beside `scope`: one of them is enough");
  }
  const Value claims = require.Get(
      "claims", "By a claim's name, the value that it or one of its elements must have.");
  if (claims.IsNull()) {
    claims.Error("has no value");
  }
  for (const auto& [name, value] : claims.Entries()) {
    out.claims_.emplace_back(name, LoadClaim(value));
  }
  return out;
}

bool TokenRequirement::Met(const VerifiedToken& token) const {
  const auto has_scope = [&](std::string_view name) {
    return std::find(token.scopes().begin(), token.scopes().end(), name) != token.scopes().end();
  };
  return Holds(scopes_, has_scope) &&
         std::all_of(claims_.begin(), claims_.end(), [&](const auto& claim) {
           return Holds(claim.second, [&](std::string_view wanted) {
             const auto& values = token.identity().claims;
             return std::any_of(values.begin(), values.end(), [&](const auto& value) {
               return value.name == claim.first && value.value == wanted;
             });
           });
         });
}

std::string TokenRequirement::Scopes() const {
  std::string out;
  for (const auto* names : {&scopes_.all, &scopes_.any}) {
    for (const std::string& name : *names) {
      out.append(out.empty() ? "" : " ").append(name);
    }
  }
  return out;
}

}  // namespace gatehouse::filters
