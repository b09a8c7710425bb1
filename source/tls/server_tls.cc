// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_tls.h"

#include <openssl/ssl.h>

#include "source/base/check.h"
#include "source/tls/openssl_error.h"

namespace gatehouse::tls {

Result<std::shared_ptr<ServerTls>> ServerTls::Make(const ServerSettings& settings) {
  auto out = std::make_shared<ServerTls>();
  for (const std::string& name : settings.alpn) {
    out->alpn_.push_back(static_cast<unsigned char>(name.size()));
    out->alpn_.insert(out->alpn_.end(), name.begin(), name.end());
  }
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  GATEHOUSE_CHECK(context != nullptr, "out of memory");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  for (const CertificateFiles& files : settings.certificates) {
    if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                  files.cert_file + ": " + OpenSslReason("can't be used"));
    }
  }
  SSL_CTX_set_alpn_select_cb(
      context.get(),
      [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
         unsigned offered_size, void* self) {
        const auto& ours = static_cast<ServerTls*>(self)->alpn_;
        unsigned char* found = nullptr;
        if (SSL_select_next_proto(&found, size, ours.data(), static_cast<unsigned>(ours.size()),
                                  offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
          return SSL_TLSEXT_ERR_ALERT_FATAL;
        }
        *chosen = found;
        return SSL_TLSEXT_ERR_OK;
      },
      out.get());
  out->context_.Publish(context);
  return out;
}

std::unique_ptr<Layer> ServerTls::NewLayer(BufferPool& buffers) const {
  SslPtr ssl(SSL_new(const_cast<SSL_CTX*>(context_.Get().get())));
  GATEHOUSE_CHECK(ssl != nullptr, "out of memory");
  SSL_set_accept_state(ssl.get());
  return std::make_unique<Layer>(std::move(ssl), buffers);
}

}  // namespace gatehouse::tls
