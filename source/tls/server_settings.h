// SPDX-License-Identifier: Apache-2.0
// `tls:` of a listener, and what is said of mistakes in the files that it names.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/clock.h"

namespace gatehouse::tls {

struct CertificateFiles {
  std::string cert_file;  // The certificate and its chain, PEM.
  std::string key_file;   // Its key, PEM.
  std::string key_passphrase{};
  std::string ocsp_file{};  // The answer of its issuer's OCSP responder, DER or PEM; "": none.
  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

enum class Version : uint8_t { kTls12, kTls13 };

// Whether clients are asked for a certificate.
enum class ClientAuthMode : uint8_t {
  kNone,
  kRequest,  // One that comes is verified; none is fine.
  kRequire,
};

struct ClientAuthSettings {
  ClientAuthMode mode = ClientAuthMode::kNone;
  std::string ca_file{};   // The authorities whose certificates are accepted, PEM.
  std::string crl_file{};  // Their lists of revoked ones, PEM; "": nothing is revoked.
  uint32_t verify_depth = 4;
  friend bool operator==(const ClientAuthSettings&, const ClientAuthSettings&) = default;
};

// Session tickets (RFC 5077, RFC 8446 section 4.6.1).
struct TicketSettings {
  bool enabled = true;
  Duration rotate_every{std::chrono::hours(12)};
  std::vector<std::string> key_files{};  // Empty: keys are made here. The first encrypts.
  friend bool operator==(const TicketSettings&, const TicketSettings&) = default;
};

struct ServerSettings {
  std::vector<CertificateFiles> certificates;
  std::vector<std::string> alpn;  // In the order of preference.
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  // As Mozilla's "intermediate" has them when empty. `ciphers` holds suites of TLS 1.3, too.
  std::vector<std::string> ciphers{};
  std::vector<std::string> groups{};
  bool strict_sni = false;  // Refuse names that no certificate has, and clients that name none.
  ClientAuthSettings client_auth{};
  TicketSettings tickets{};
  friend bool operator==(const ServerSettings&, const ServerSettings&) = default;
};

// Something that is wrong with a file or a value. `message` is the rest of a sentence about it.
struct Problem {
  static constexpr size_t kNoCertificate = SIZE_MAX;
  bool fatal = true;  // Else a warning.
  // The key that is to blame: "key_file" of certificates[certificate], or "client_auth.ca_file".
  std::string_view key;
  size_t certificate = kNoCertificate;
  std::string message;
};
using Report = std::function<void(Problem)>;

}  // namespace gatehouse::tls
