// SPDX-License-Identifier: Apache-2.0
// A cluster's settings and files, as OpenSSL wants them: what many connections share.
#pragma once

#include <cstdint>
#include <memory>

#include "source/tls/certificate.h"
#include "source/tls/client_settings.h"
#include "source/tls/server_settings.h"

struct ssl_ctx_st;

namespace gatehouse::tls {

// Immutable. Any thread.
struct ClientContext {
  std::shared_ptr<ssl_ctx_st> ssl;
  ClientSettings settings;
  std::shared_ptr<const Certificate> certificate;  // What is shown to who asks; null without.
  uint64_t generation = 0;                         // Differs whenever the files that were read may.

  // Reads the files. Null, and at least one fatal problem, when they can't be used.
  static std::shared_ptr<const ClientContext> Make(const ClientSettings& settings,
                                                   uint64_t generation, const Report& report);
  // Of no files: whatever is verified fails.
  static std::shared_ptr<const ClientContext> TrustingNobody(const ClientSettings& settings);
};

}  // namespace gatehouse::tls
