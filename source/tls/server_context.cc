// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/tls/openssl_error.h"
#include "source/tls/server_protocols.h"

namespace gatehouse::tls {
namespace {

constexpr Duration kLongestSession = std::chrono::hours(24);
constexpr int kSecurityLevel = 2;  // Nothing below 112 bits.

STACK_OF(X509) * ChainOf(const Certificate& certificate) {
  STACK_OF(X509)* const out =
      sk_X509_new_reserve(nullptr, static_cast<int>(certificate.chain.size()));
  for (const X509Ptr& one : certificate.chain) {
    sk_X509_push(out, one.get());
  }
  return out;
}

int64_t SecondsNow() {
  return std::chrono::duration_cast<std::chrono::seconds>(WallNow().time_since_epoch()).count();
}

// A client whose certificate has expired meanwhile has to show another one. Once a revocation list
// has run out each is verified again: that finds out whom the list is for.
SSL_TICKET_RETURN JudgeSession(SSL* ssl, SSL_SESSION* session, const unsigned char* /*name*/,
                               size_t /*name_size*/, SSL_TICKET_STATUS status, void* trust) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  const X509* const peer = SSL_SESSION_get0_peer(session);
  if (peer != nullptr && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  if (peer != nullptr && trust != nullptr &&
      static_cast<const ClientTrust*>(trust)->ListsRanOut(SecondsNow())) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  // A client of TLS 1.3 uses a ticket once (RFC 8446 appendix C.4): it needs the next.
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

}  // namespace

void ContextFree::operator()(SSL_CTX* one) const { SSL_CTX_free(one); }

std::unique_ptr<ServerContext> ServerContext::Make(const ServerSettings& settings, Parts parts,
                                                   const Report& report) {
  std::unique_ptr<ServerContext> out(new ServerContext(settings, std::move(parts), report));
  return out->SetUp(settings, report) ? std::move(out) : nullptr;
}

ServerContext::ServerContext(const ServerSettings& settings, Parts parts, const Report& report)
    : index_(std::move(parts.certificates), report),
      trust_(std::move(parts.trust)),
      tickets_(std::move(parts.tickets)),
      strict_sni_(settings.strict_sni),
      context_(SSL_CTX_new(TLS_server_method())) {
  GATEHOUSE_CHECK(context_ != nullptr, "out of memory");
  for (const std::string& name : settings.alpn) {
    alpn_.push_back(static_cast<unsigned char>(name.size()));
    alpn_.insert(alpn_.end(), name.begin(), name.end());
  }
}

bool ServerContext::SetUp(const ServerSettings& settings, const Report& report) {
  SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_security_level(context_.get(), kSecurityLevel);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  Layer::KeepSecrets(context_.get());
  SetCallbacks();
  SetSessions(settings.tickets);
  if (trust_ != nullptr) {
    trust_->Apply(context_.get());
  }
  // All of them, for their mistakes.
  const bool protocols = SetProtocols(context_.get(), settings, index_.certificates(), report);
  const bool certificates = SetCertificates(report);
  return protocols && certificates;
}

// The first ones are the context's own: most connections ask for them, or there are no others. The
// rest is tried.
bool ServerContext::SetCertificates(const Report& report) {
  const std::unique_ptr<SSL_CTX, ContextFree> trial(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(trial.get(), kSecurityLevel);
  bool ok = true;
  for (size_t i = 0; i < index_.certificates().size(); ++i) {
    const Certificate* const one = index_.certificates()[i].get();
    const CertificateIndex::Set& first = index_.first();
    const bool own = std::find(first.begin(), first.end(), one) != first.end();
    STACK_OF(X509)* const chain = ChainOf(*one);
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(own ? context_.get() : trial.get(), one->leaf.get(),
                                 one->key.get(), chain, 1) != 1) {
      ok = false;
      report({true, "cert_file", i,
              "the certificate in " + one->files.cert_file +
                  " can't be used: " + OpenSslReason("OpenSSL refuses it")});
    }
    sk_X509_free(chain);
  }
  return ok;
}

void ServerContext::SetCallbacks() {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_tlsext_servername_callback(context, &ServerContext::OnServerName);
  SSL_CTX_set_tlsext_servername_arg(context, this);
  SSL_CTX_set_cert_cb(context, &ServerContext::OnCertificateWanted, this);
  SSL_CTX_set_alpn_select_cb(context, &ServerContext::OnAlpn, this);
  for (const auto& certificate : index_.certificates()) {
    if (certificate->staple.has_value()) {
      stapled_.emplace(certificate->leaf.get(), certificate.get());
    }
  }
  if (!stapled_.empty()) {
    SSL_CTX_set_tlsext_status_cb(context, &ServerContext::OnStapleWanted);
    SSL_CTX_set_tlsext_status_arg(context, this);
  }
}

// Sessions are with the clients. One is good as long as nothing has changed of who is let in: what
// was verified when it began is not verified again.
void ServerContext::SetSessions(const TicketSettings& settings) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const Sha256Digest id = trust_ == nullptr ? Sha256Digest{} : trust_->fingerprint();
  SSL_CTX_set_session_id_context(context, id.data(), static_cast<unsigned>(id.size()));
  if (!settings.enabled) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  const auto lifetime = std::min<Duration>(2 * settings.rotate_every, kLongestSession);
  SSL_CTX_set_timeout(
      context,
      static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(lifetime).count()));
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_app_data(context, const_cast<TicketKeys*>(tickets_.get()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, [](SSL* ssl, unsigned char* name, unsigned char* iv,
                                                   EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                                                   int encrypt) {
    const auto* keys = static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    return keys->Use(name, iv, cipher, mac, encrypt == 1);
  });
  SSL_CTX_set_session_ticket_cb(context, nullptr, &JudgeSession,
                                const_cast<ClientTrust*>(trust_.get()));
}

SslPtr ServerContext::NewSsl() const {
  SslPtr ssl(SSL_new(context_.get()));
  GATEHOUSE_CHECK(ssl != nullptr, "out of memory");
  SSL_set_accept_state(ssl.get());
  return ssl;
}

int ServerContext::OnServerName(SSL* ssl, int* alert, void* self) {
  const auto& context = *static_cast<const ServerContext*>(self);
  if (!context.strict_sni_) {
    return SSL_TLSEXT_ERR_OK;
  }
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr && context.index_.Find(name) != nullptr) {
    return SSL_TLSEXT_ERR_OK;
  }
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Which of a set is shown is OpenSSL's choice, by what the client can verify.
int ServerContext::OnCertificateWanted(SSL* ssl, void* self) {
  const auto& context = *static_cast<const ServerContext*>(self);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const CertificateIndex::Set* const set = name == nullptr ? nullptr : context.index_.Find(name);
  if (set == nullptr || set == &context.index_.first()) {
    return 1;
  }
  SSL_certs_clear(ssl);
  for (const Certificate* certificate : *set) {
    STACK_OF(X509)* const chain = ChainOf(*certificate);
    const int used =
        SSL_use_cert_and_key(ssl, certificate->leaf.get(), certificate->key.get(), chain, 1);
    sk_X509_free(chain);
    if (used != 1) {
      return 0;
    }
  }
  return 1;
}

int ServerContext::OnStapleWanted(SSL* ssl, void* self) {
  const auto& stapled = static_cast<const ServerContext*>(self)->stapled_;
  const auto found = stapled.find(SSL_get_certificate(ssl));
  if (found == stapled.end() || !found->second->staple->ValidAt(SecondsNow())) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const std::string& der = found->second->staple->der;
  void* const copy = OPENSSL_memdup(der.data(), der.size());  // The connection's own.
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
  return SSL_TLSEXT_ERR_OK;
}

int ServerContext::OnAlpn(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                          const unsigned char* offered, unsigned offered_size, void* self) {
  const auto& ours = static_cast<const ServerContext*>(self)->alpn_;
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, ours.data(), static_cast<unsigned>(ours.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace gatehouse::tls
