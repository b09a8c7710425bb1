// SPDX-License-Identifier: Apache-2.0
// Whom the route tester imagines to be calling, made from lines such as "claims.tenant=acme".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/observe/identity.h"

namespace gatehouse::server {

// `identity` points into the rest, and into the lines it was made from.
struct MadeUpIdentity {
  observe::Identity identity;
  std::vector<std::string_view> groups;
  std::vector<observe::IdentityValue> claims;
  std::vector<observe::IdentityValue> attributes;
};

// Each line is FIELD=VALUE, with a field as log formats name it. Groups may stand in one line, with
// commas between them; claims and attributes that come again have several values. Without a subject
// it is "somebody", without a kind "jwt". The error is for whoever asked.
Result<void> MakeUpIdentity(const std::vector<std::string>& lines, MadeUpIdentity& out);

}  // namespace gatehouse::server
