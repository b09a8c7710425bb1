// SPDX-License-Identifier: Apache-2.0
// Versions, cipher suites and groups of a listener.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <vector>

#include "source/tls/certificate.h"
#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// False, and at least one fatal problem, when `settings` can't be had of OpenSSL, or no suite fits
// any of `certificates`. Empty `certificates`: that is not looked at.
bool SetProtocols(SSL_CTX* context, const ServerSettings& settings,
                  const std::vector<std::shared_ptr<const Certificate>>& certificates,
                  const Report& report);
// The same for its problems alone.
void CheckProtocols(const ServerSettings& settings, const Report& report);

}  // namespace gatehouse::tls
