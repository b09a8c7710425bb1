// SPDX-License-Identifier: Apache-2.0
// Whose certificates a listener accepts: `client_auth`.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/digest.h"
#include "source/tls/pem.h"
#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// Immutable; any thread.
class ClientTrust {
 public:
  // Reads the files. Null, and at least one fatal problem, when they can't be used at `now`.
  static std::shared_ptr<const ClientTrust> Load(const ClientAuthSettings& settings, WallTime now,
                                                 const Report& report);

  // Asks the clients of `context`, which this outlives, for a certificate, as the settings say. Why
  // one is refused is explained to the connection's Layer.
  void Apply(SSL_CTX* context) const;
  const ClientAuthSettings& settings() const { return settings_; }
  // Differs when anything differs: sessions of another one are not resumed.
  const Sha256Digest& fingerprint() const { return fingerprint_; }
  // The authorities' subjects.
  const std::vector<std::string>& authorities() const { return authorities_; }
  // Seconds since the epoch of the first revocation list that runs out; 0: there is none. From then
  // on those it is for are refused.
  int64_t lists_until() const { return lists_until_; }
  bool ListsRanOut(int64_t now) const { return lists_until_ != 0 && lists_until_ < now; }

 private:
  explicit ClientTrust(const ClientAuthSettings& settings) : settings_(settings) {}
  bool ReadAuthorities(const Report& report);
  bool ReadLists(WallTime now, const Report& report);
  void WarnOfMissingLists(const Report& report) const;
  void TakeFingerprint();
  static int Verify(X509_STORE_CTX* chain, void* self);

  const ClientAuthSettings settings_;
  std::vector<X509Ptr> certificates_;
  std::vector<CrlPtr> lists_;
  std::vector<std::string> authorities_;
  int64_t lists_until_ = 0;
  Sha256Digest fingerprint_{};
};

}  // namespace gatehouse::tls
