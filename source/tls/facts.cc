// SPDX-License-Identifier: Apache-2.0
#include "source/tls/facts.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "source/base/text.h"
#include "source/tls/x509_text.h"

namespace gatehouse::tls {
namespace {

// Null without a certificate, and with one that nobody has verified. A session that is resumed
// brings the one that was verified when it began.
std::unique_ptr<const observe::PeerCertificate> PeerOf(const SSL* ssl) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK ||
      (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) {
    return nullptr;
  }
  auto out = std::make_unique<observe::PeerCertificate>();
  out->subject = NameText(X509_get_subject_name(certificate));
  out->common_name = CommonName(*certificate);
  out->issuer = NameText(X509_get_issuer_name(certificate));
  out->serial = SerialText(*certificate);
  out->fingerprint = FingerprintText(*certificate);
  AlternativeNames names = NamesOf(*certificate);
  out->dns_names = std::move(names.dns);
  out->uris = std::move(names.uris);
  out->emails = std::move(names.emails);
  out->not_after = NotAfter(*certificate);
  return out;
}

}  // namespace

std::unique_ptr<const observe::TlsFacts> FactsOf(const Layer& layer) {
  auto out = std::make_unique<observe::TlsFacts>();
  SSL* const ssl = layer.ssl();
  out->version = SSL_get_version(ssl);
  out->cipher = SSL_get_cipher_name(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    out->server_name = Lowercase(name);
  }
  out->alpn = layer.alpn();
  out->resumed = SSL_session_reused(ssl) == 1;
  out->peer = PeerOf(ssl);
  return out;
}

}  // namespace gatehouse::tls
