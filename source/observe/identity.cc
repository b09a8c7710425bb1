// SPDX-License-Identifier: Apache-2.0
#include "source/observe/identity.h"

#include <algorithm>

namespace gatehouse::observe {

std::string_view KindName(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::kJwt:
      return "jwt";
    case IdentityKind::kBasic:
      return "basic";
    case IdentityKind::kApiKey:
      return "api_key";
    case IdentityKind::kForwardAuth:
      return "forward_auth";
    case IdentityKind::kClientCertificate:
      return "client_certificate";
  }
  return "";
}

std::optional<IdentityKind> ParseKind(std::string_view name) {
  for (const IdentityKind kind : {IdentityKind::kJwt, IdentityKind::kBasic, IdentityKind::kApiKey,
                                  IdentityKind::kForwardAuth, IdentityKind::kClientCertificate}) {
    if (KindName(kind) == name) {
      return kind;
    }
  }
  return std::nullopt;
}

bool Identity::InGroup(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::string_view IdentityField::PrefixOf(Part part) {
  switch (part) {
    case Part::kClaim:
      return "claims.";
    case Part::kAttribute:
      return "attributes.";
    default:
      return "";
  }
}

Result<IdentityField> IdentityField::Parse(std::string_view text) {
  IdentityField out;
  out.text_ = text;
  const auto is = [&](Part part, std::string_view word) {
    out.part_ = part;
    return text == word;
  };
  if (is(Part::kSubject, "subject") || is(Part::kKind, "kind") || is(Part::kFilter, "filter") ||
      is(Part::kGroups, "groups")) {
    return out;
  }
  for (const Part part : {Part::kClaim, Part::kAttribute}) {
    const std::string_view prefix = PrefixOf(part);
    if (text.starts_with(prefix) && text.size() > prefix.size()) {
      out.part_ = part;
      return out;
    }
  }
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
              "expected subject, kind, filter, groups, claims.NAME or attributes.NAME, got \"" +
                  std::string(text) + "\"");
}

std::string_view IdentityField::First(const Identity* identity) const {
  std::string_view first;
  if (identity != nullptr) {
    ForEach(*identity, [&](std::string_view value) {
      first = value;
      return false;
    });
  }
  return first;
}

}  // namespace gatehouse::observe
