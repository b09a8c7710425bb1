// SPDX-License-Identifier: Apache-2.0
// What a client's certificate says, and which ones a configuration means.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/arena.h"
#include "source/config/object.h"
#include "source/observe/identity.h"
#include "source/observe/tls_facts.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::filters {

enum class CertificatePart : uint8_t {
  kSubject,
  kCommonName,
  kIssuer,
  kSerial,
  kFingerprint,
  kDns,
  kUri,
  kEmail,
};
inline constexpr std::array<std::string_view, 8> kCertificatePartNames = {
    "subject", "common_name", "issuer", "serial", "fingerprint", "dns", "uri", "email"};
std::optional<CertificatePart> ParseCertificatePart(std::string_view name);

// One of `allow`.
struct CertificateRule {
  std::vector<std::pair<CertificatePart, pipeline::ValueMatch>> tests;  // All must fit.
  std::vector<std::string> groups;
  std::vector<std::string_view> group_views;  // Of `groups`.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<observe::IdentityValue> attribute_views;  // Of `attributes`.

  // Of parts with several values one has to fit; of a part without any, an empty one is none.
  bool Fits(const observe::PeerCertificate& certificate) const;
};

// Who it is, in `arena`, with views of the certificate. `rule` may be null. The subject is the
// first of `from` that there is, else the fingerprint.
const observe::Identity& IdentityOf(const observe::PeerCertificate& certificate,
                                    const std::vector<CertificatePart>& from,
                                    const CertificateRule* rule, std::string_view filter,
                                    Arena& arena);

// A certificate that says what `identity` claims; its subject is the common name when no claim is.
observe::PeerCertificate CertificateLike(const observe::Identity& identity);

// As Envoy writes it into x-forwarded-client-cert: Hash=...;Subject="...";URI=...;DNS=...
std::string_view ForwardedCertificate(const observe::PeerCertificate& certificate, Arena& arena);

// The keys `subject_from` and `allow`.
std::vector<CertificatePart> LoadSubjectFrom(config::Object& in);
std::vector<CertificateRule> LoadCertificateRules(config::Object& in);

}  // namespace gatehouse::filters
