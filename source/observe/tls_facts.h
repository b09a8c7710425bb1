// SPDX-License-Identifier: Apache-2.0
// What a connection's TLS handshake has told, for filters and logs: nothing of it needs OpenSSL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::observe {

// A client's certificate that has been verified against the listener's `client_auth`. Immutable.
struct PeerCertificate {
  std::string subject;      // "CN=orders,O=Example" (RFC 2253).
  std::string common_name;  // The subject's last; may be empty.
  std::string issuer;       // As `subject`.
  std::string serial;       // Hexadecimal digits, lower case.
  std::string fingerprint;  // SHA-256 of the certificate, 64 hexadecimal digits, lower case.
  // Subject alternative names.
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;  // "spiffe://cluster/ns/a/sa/b"
  std::vector<std::string> emails;
  int64_t not_after = 0;  // Seconds since the epoch.
};

// Of one connection; made when its handshake is over, lives as long as the connection.
struct TlsFacts {
  std::string_view version;  // "TLSv1.3"; static.
  std::string_view cipher;   // "TLS_AES_128_GCM_SHA256"; static.
  std::string server_name;   // SNI as the client sent it, lower case; empty without.
  std::string alpn;          // Empty without.
  bool resumed = false;
  std::unique_ptr<const PeerCertificate> peer;  // Null without a verified one.
};

}  // namespace gatehouse::observe
