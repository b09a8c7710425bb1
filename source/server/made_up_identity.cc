// SPDX-License-Identifier: Apache-2.0
#include "source/server/made_up_identity.h"

#include <optional>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::server {
namespace {

using observe::IdentityField;
using observe::IdentityKind;

tl::unexpected<Error> NotUnderstood(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

Result<void> Add(std::string_view field, std::string_view value, MadeUpIdentity& out) {
  constexpr std::string_view kClaims = "claims.";
  constexpr std::string_view kAttributes = "attributes.";
  if (field == "subject") {
    if (value.empty()) {
      return NotUnderstood("a subject is not empty");
    }
    out.identity.subject = value;
  } else if (field == "kind") {
    const std::optional<IdentityKind> kind = observe::ParseKind(value);
    if (!kind) {
      return NotUnderstood("\"" + std::string(value) +
                           "\" is not a kind; one of: jwt, basic, api_key, forward_auth, "
                           "client_certificate");
    }
    out.identity.kind = *kind;
  } else if (field == "filter") {
    out.identity.filter = value;
  } else if (field == "groups") {
    ForEachListElement(value, [&](std::string_view group) {
      out.groups.push_back(group);
      return true;
    });
  } else if (field.starts_with(kClaims)) {
    out.claims.push_back({field.substr(kClaims.size()), value});
  } else {
    out.attributes.push_back({field.substr(kAttributes.size()), value});
  }
  return {};
}

}  // namespace

Result<void> MakeUpIdentity(const std::vector<std::string>& lines, MadeUpIdentity& out) {
  out.identity.subject = "somebody";
  for (const std::string& line : lines) {
    const size_t equals = line.find('=');
    if (equals == line.npos) {
      return NotUnderstood("an identity is made of FIELD=VALUE, such as subject=alice, got \"" +
                           line + "\"");
    }
    const std::string_view name = std::string_view(line).substr(0, equals);
    if (const Result<IdentityField> field = IdentityField::Parse(name); !field) {
      return NotUnderstood("identity: " + field.error().message);
    }
    if (auto added = Add(name, std::string_view(line).substr(equals + 1), out); !added) {
      return added;
    }
  }
  out.identity.groups = out.groups;
  out.identity.claims = out.claims;
  out.identity.attributes = out.attributes;
  return {};
}

}  // namespace gatehouse::server
