// SPDX-License-Identifier: Apache-2.0
// `tls:` of a cluster, as it is written.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::tls {

// SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4).
using SpkiPin = std::array<uint8_t, 32>;

struct ClientSettings {
  // The name that certificates have to be for, and the SNI; empty: the endpoint's own.
  std::string server_name;
  // Whom to trust, PEM; empty: the authorities that the system trusts.
  std::string ca_file;
  std::string crl_file;  // PEM; empty: nobody asks.
  bool verify = true;
  // One of them must be that of a certificate of the chain that was sent; empty: any will do.
  std::vector<SpkiPin> pins;
  // What to show when the endpoint asks for it; both or neither.
  std::string cert_file;
  std::string key_file;
  // As OpenSSL has them: TLS1_2_VERSION, TLS1_3_VERSION.
  int min_version = 0x0303;
  int max_version = 0x0304;
  std::vector<std::string> ciphers;  // By OpenSSL's names; empty: the defaults.
  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

}  // namespace gatehouse::tls
