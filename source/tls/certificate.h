// SPDX-License-Identifier: Apache-2.0
// A certificate that a listener shows: itself, its chain, its key.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
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
};

// Reads the files. Null, and at least one fatal problem, when they can't be used at `now`; a pair
// that can be may have warnings. `index` is the problems' `certificate`.
std::shared_ptr<const Certificate> LoadCertificate(const CertificateFiles& files, size_t index,
                                                   WallTime now, const Report& report);

}  // namespace gatehouse::tls
