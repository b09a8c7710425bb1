// SPDX-License-Identifier: Apache-2.0
// What the answer of an authentication service means for the request it was asked about.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/observe/identity.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

using FieldList = std::vector<std::pair<std::string, std::string>>;

// Immutable once made; shared by streams, caches and workers.
struct AuthVerdict {
  enum class Kind : uint8_t { kAllow, kDeny, kFail };
  Kind kind = Kind::kFail;
  uint16_t status = 0;        // Of the answer; 0: there was none.
  Error failure{};            // For kFail.
  FieldList upstream_fields;  // For kAllow: of the request, as it is forwarded.
  FieldList client_fields;    // For the response: beside the upstream's, or of the denial.
  std::string content_type;   // For kDeny.
  std::string body;           // Likewise.
  // For kAllow: who it is, when the answer says so. Views are into this object.
  std::optional<observe::Identity> identity;
  // How long the answer may be used again, as far as it says: nothing, at most so long.
  std::optional<Duration> max_age;

  // How much memory it takes, roughly.
  size_t bytes() const;

  // What `identity` points to.
  std::vector<std::string_view> groups;
  std::vector<observe::IdentityValue> claims;
  FieldList identity_fields;
};

// Which fields of answers mean what. Names are in lower case.
struct AnswerRules {
  std::vector<std::string> upstream_headers;
  std::vector<std::string> client_headers;
  bool all_denied_headers = true;
  std::vector<std::string> denied_headers;  // When not all.
  std::string challenge;                    // Of a 401 that has none (RFC 9110 section 11.6.1).
  std::string subject;                      // Empty: answers identify nobody.
  std::string groups;
  FieldList claims;  // A claim's name, and its field's.
};

// `filter` is the name that identities carry; outlives the verdict. Never null.
std::shared_ptr<const AuthVerdict> JudgeAnswer(const AnswerRules& rules, std::string_view filter,
                                               Result<pipeline::FetchResponse> answer);

}  // namespace gatehouse::filters
