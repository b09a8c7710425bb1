// SPDX-License-Identifier: Apache-2.0
// Who is calling, as the filter found that authenticated the request: what authorization, rate
// limits, log formats and header operators read, whatever the kind of credentials.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse::observe {

enum class IdentityKind : uint8_t { kJwt, kBasic, kApiKey, kForwardAuth, kClientCertificate };

// "jwt", "basic", "api_key", "forward_auth", "client_certificate".
std::string_view KindName(IdentityKind kind);
std::optional<IdentityKind> ParseKind(std::string_view name);

// A claim or an attribute. Of a list, each element is one, all with the list's name; what is nested
// has the name of its path, joined by dots ("realm_access.roles"), unless there is a claim that is
// called so itself.
struct IdentityValue {
  std::string_view name;
  std::string_view value;  // Numbers and booleans as JSON writes them.
};

// Immutable. Whoever makes one keeps it, and all that it points to, until the stream has ended.
struct Identity {
  IdentityKind kind = IdentityKind::kJwt;
  std::string_view filter;   // The name of the filter that found it.
  std::string_view subject;  // Never empty.
  std::span<const std::string_view> groups{};
  std::span<const IdentityValue> claims{};      // What the credentials say.
  std::span<const IdentityValue> attributes{};  // What the configuration says of the subject.

  bool InGroup(std::string_view group) const;
};

// One thing of an identity, as configurations name it: "subject", "kind", "filter", "groups",
// "claims.NAME" or "attributes.NAME".
class IdentityField {
 public:
  // The error says what may stand there.
  static Result<IdentityField> Parse(std::string_view text);

  // Calls `visit(value)` for its values in order, until it returns false.
  template <typename Visit>
  void ForEach(const Identity& identity, Visit visit) const;
  // The first value; empty when there is none, or no identity.
  std::string_view First(const Identity* identity) const;
  const std::string& text() const { return text_; }

 private:
  enum class Part : uint8_t { kSubject, kKind, kFilter, kGroups, kClaim, kAttribute };
  static std::string_view PrefixOf(Part part);
  std::string_view name() const { return std::string_view(text_).substr(PrefixOf(part_).size()); }

  Part part_ = Part::kSubject;
  std::string text_ = "subject";
};

template <typename Visit>
void IdentityField::ForEach(const Identity& identity, Visit visit) const {
  const auto each = [&](std::span<const IdentityValue> values) {
    const std::string_view wanted = name();
    for (const IdentityValue& one : values) {
      if (one.name == wanted && !visit(one.value)) {
        return;
      }
    }
  };
  switch (part_) {
    case Part::kSubject:
      visit(identity.subject);
      return;
    case Part::kKind:
      visit(KindName(identity.kind));
      return;
    case Part::kFilter:
      visit(identity.filter);
      return;
    case Part::kGroups:
      for (const std::string_view group : identity.groups) {
        if (!visit(group)) {
          return;
        }
      }
      return;
    case Part::kClaim:
      each(identity.claims);
      return;
    case Part::kAttribute:
      each(identity.attributes);
      return;
  }
}

}  // namespace gatehouse::observe
