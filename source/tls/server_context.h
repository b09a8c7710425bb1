// SPDX-License-Identifier: Apache-2.0
// What the handshakes of one moment are made with: certificates, versions, ciphers, and who is let
// in.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "source/tls/certificate_index.h"
#include "source/tls/client_trust.h"
#include "source/tls/layer.h"
#include "source/tls/server_settings.h"
#include "source/tls/ticket_keys.h"

namespace gatehouse::tls {

struct ContextFree {
  void operator()(SSL_CTX* one) const;
};

// Immutable; any thread. Outlives the connections made of it.
class ServerContext {
 public:
  // Null, and at least one fatal problem, when it can't be made. `certificates` are not empty.
  struct Parts {
    std::vector<std::shared_ptr<const Certificate>> certificates;
    std::shared_ptr<const ClientTrust> trust;  // Null: clients are not asked.
    std::shared_ptr<const TicketKeys> tickets;
  };
  static std::unique_ptr<ServerContext> Make(const ServerSettings& settings, Parts parts,
                                             const Report& report);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // Ready to accept.
  SslPtr NewSsl() const;
  const CertificateIndex& index() const { return index_; }
  SSL_CTX* context() const { return context_.get(); }

 private:
  ServerContext(const ServerSettings& settings, Parts parts, const Report& report);
  bool SetUp(const ServerSettings& settings, const Report& report);
  bool SetCertificates(const Report& report);
  void SetCallbacks();
  void SetSessions(const TicketSettings& settings);

  static int OnServerName(SSL* ssl, int* alert, void* self);
  static int OnCertificateWanted(SSL* ssl, void* self);
  static int OnAlpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* self);
  static int OnStapleWanted(SSL* ssl, void* self);

  const CertificateIndex index_;
  const std::shared_ptr<const ClientTrust> trust_;
  const std::shared_ptr<const TicketKeys> tickets_;
  const bool strict_sni_;
  std::unordered_map<const X509*, const Certificate*> stapled_;
  std::vector<unsigned char> alpn_;  // As on the wire (RFC 7301 section 3.1).
  std::unique_ptr<SSL_CTX, ContextFree> context_;
};

}  // namespace gatehouse::tls
