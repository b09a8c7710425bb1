// SPDX-License-Identifier: Apache-2.0
// A certificate that a listener shows: itself, its chain, its key.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/tls/ocsp_staple.h"
#include "source/tls/pem.h"
#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// What operators see of one.
struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::string serial;
  std::string fingerprint;
  std::string key_type;            // "RSA 2048"
  std::vector<std::string> names;  // DNS names in lower case, "*.example.com" among them.
  std::vector<std::string> addresses;
  int64_t not_before = 0;  // Seconds since the epoch.
  int64_t not_after = 0;
};

// Immutable; any thread.
struct Certificate {
  CertificateFiles files;
  X509Ptr leaf;
  std::vector<X509Ptr> chain;
  KeyPtr key;
  int key_kind = 0;  // As OpenSSL numbers them: EVP_PKEY_RSA.
  CertificateFacts facts;
  std::optional<OcspStaple> staple;  // Shown while it is valid.
};

// Reads the files. Null, and at least one fatal problem, when they can't be used at `now`; a pair
// that can be may have warnings. A path that should not be empty says nothing: who has left it out
// knows. `index` is the problems' `certificate`. `previous` is what they
// held before: then a file for OCSP that can't be used is a warning, and what was stapled to the
// same certificate still is; null at the start.
std::shared_ptr<const Certificate> LoadCertificate(const CertificateFiles& files, size_t index,
                                                   WallTime now, const Certificate* previous,
                                                   const Report& report);

// Warns of one that is not valid yet, or not much longer; a fatal problem, and false, for one that
// has expired.
bool CheckTime(const Certificate& certificate, size_t index, WallTime now, const Report& report);

}  // namespace gatehouse::tls
