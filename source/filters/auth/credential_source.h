// SPDX-License-Identifier: Apache-2.0
// Where a request carries a credential: a header field, a query parameter, a cookie.
//
//   from: [{header: authorization, prefix: "Bearer "}, {header: x-token}, {query: token}, {cookie:
//   t}]
//
// The first of these places that has one counts. A place that has several is ambiguous: whoever
// picked one of them might pick another than the next one on the way does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/arena.h"
#include "source/config/object.h"
#include "source/http/message/head.h"

namespace gatehouse::filters {

struct CredentialSource {
  enum class Place : uint8_t { kHeader, kQuery, kCookie };
  Place place = Place::kHeader;
  std::string name;  // Of headers: in lower case.
  // Of headers: what the value begins with, in any case. A value that doesn't is no credential of
  // this kind. With a space at its end it is an authentication scheme, which one or more spaces
  // follow (RFC 9110 section 11.4).
  std::string prefix{};

  friend bool operator==(const CredentialSource&, const CredentialSource&) = default;
};

struct Credential {
  enum class State : uint8_t { kNone, kOne, kAmbiguous };
  State state = State::kNone;
  std::string_view
      value{};  // Without the prefix, decoded; may be empty. Lives as long as the stream.
  const CredentialSource* source = nullptr;  // Null: none.
};

// Immutable; any thread.
class CredentialSources {
 public:
  CredentialSources() = default;
  explicit CredentialSources(std::vector<CredentialSource> sources)
      : sources_(std::move(sources)) {}

  // Uses `arena` for what had to be decoded only.
  Credential Find(const http::RequestHead& head, Arena& arena) const;

  // Takes the credentials of all places out of the request, but not `verified` (one of sources(),
  // or null), and nothing else: what stands beside them in the query or among the cookies stays as
  // it is, byte by byte.
  void Remove(http::RequestHead& head, Arena& arena,
              const CredentialSource* verified = nullptr) const;
  // The same for sources()[place] alone.
  void RemoveAt(size_t place, http::RequestHead& head, Arena& arena) const;

  // What FilterDefinition::credential_places says of each of sources().
  std::vector<std::string> PlaceNames() const;

  const std::vector<CredentialSource>& sources() const { return sources_; }

 private:
  std::vector<CredentialSource> sources_;
};

// The list at `key`; `defaults` when it is absent.
CredentialSources LoadCredentialSources(config::Object& in, std::string_view key,
                                        std::vector<CredentialSource> defaults);

}  // namespace gatehouse::filters
