// SPDX-License-Identifier: Apache-2.0
// Digests that protocols ask for by name. The only place outside tls/ that includes OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// The SHA-1 digest in base64, as WebSocket's handshake wants it (RFC 6455 section 4.2.2). Not for
// anything that must resist an attacker.
std::string Sha1Base64(std::string_view bytes);

}  // namespace gatehouse
