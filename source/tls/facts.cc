// SPDX-License-Identifier: Apache-2.0
#include "source/tls/facts.h"

#include <openssl/ssl.h>

#include <utility>

namespace gatehouse::tls {

std::unique_ptr<const observe::TlsFacts> FactsOf(const Layer& layer) {
  auto out = std::make_unique<observe::TlsFacts>();
  SSL* const ssl = layer.ssl();
  out->version = SSL_get_version(ssl);
  out->cipher = SSL_get_cipher_name(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    out->server_name = name;
  }
  out->alpn = layer.alpn();
  out->resumed = SSL_session_reused(ssl) == 1;
  return out;
}

}  // namespace gatehouse::tls
