// SPDX-License-Identifier: Apache-2.0
// Cipher suites as settings list them: by OpenSSL's names, each for itself. What else OpenSSL's
// lists know (aliases, operators, @SECLEVEL) could weaken more than it seems to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// Immutable; any thread.
class CipherSuites {
 public:
  // Reports those of `names` that can't be used as fatal problems with "ciphers".
  CipherSuites(const std::vector<std::string>& names, const Report& report);

  bool ok() const { return ok_; }
  // Those of TLS 1.2 and of 1.3, as OpenSSL wants them; empty: none is named.
  const std::string& older() const { return older_; }
  const std::string& newer() const { return newer_; }
  // Whether one of `older` can be agreed on by a server with a certificate whose key is of
  // `key_kind`, as OpenSSL numbers them.
  bool Fits(int key_kind) const;
  // Warns of those that no version from `min` to `max`, as OpenSSL numbers them, has a use for.
  void WarnOfVersions(int min, int max, const Report& report) const;

 private:
  bool ok_ = true;
  bool any_rsa_ = false;  // In `older_`: to be authenticated by a key of RSA.
  bool any_ec_ = false;
  std::string older_;
  std::string newer_;
};

}  // namespace gatehouse::tls
