// SPDX-License-Identifier: Apache-2.0
#include "source/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <unistd.h>
#include <array>
#include <cstdlib>
#include <string>

#include "source/base/check.h"
#include "source/tls/openssl_error.h"
#include "source/tls/verify_peer.h"

namespace gatehouse::tls {
namespace {

tl::unexpected<Error> Bad(const std::string& what, std::string_view otherwise) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
              what + ": " + OpenSslReason(otherwise));
}

std::shared_ptr<ClientContext> NewContext(const ClientSettings& settings, uint64_t generation) {
  auto out = std::make_shared<ClientContext>();
  out->ssl = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  GATEHOUSE_CHECK(out->ssl != nullptr, "out of memory");
  out->settings = settings;
  out->generation = generation;
  SSL_CTX* const ssl = out->ssl.get();
  SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ssl, VerifyPeer, nullptr);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_min_proto_version(ssl, settings.min_version);
  SSL_CTX_set_max_proto_version(ssl, settings.max_version);
  return out;
}

// Where systems keep the authorities that they trust, in one file: a directory would have to be
// looked into during handshakes.
std::string SystemAuthorities() {
  if (const char* named = std::getenv("SSL_CERT_FILE"); named != nullptr && *named != '\0') {
    return named;
  }
  constexpr std::array kUsual = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, Arch
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL
      "/etc/ssl/ca-bundle.pem",                             // openSUSE
  };
  for (const char* file : kUsual) {
    if (access(file, R_OK) == 0) {
      return file;
    }
  }
  return X509_get_default_cert_file();
}

Result<void> LoadAuthorities(SSL_CTX* ssl, const ClientSettings& settings) {
  if (!settings.verify) {
    return {};
  }
  const bool own = !settings.ca_file.empty();
  const std::string file = own ? settings.ca_file : SystemAuthorities();
  if (SSL_CTX_load_verify_file(ssl, file.c_str()) != 1) {
    return own ? Bad(file, "holds no certificate")
               : Bad("the system's trusted authorities (" + file + ")", "none");
  }
  if (settings.crl_file.empty()) {
    return {};
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(ssl);
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (X509_load_crl_file(lookup, settings.crl_file.c_str(), X509_FILETYPE_PEM) < 1) {
    return Bad(settings.crl_file, "holds no revocation list");
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

Result<void> LoadOwn(SSL_CTX* ssl, const ClientSettings& settings) {
  if (settings.cert_file.empty()) {
    return {};
  }
  if (SSL_CTX_use_certificate_chain_file(ssl, settings.cert_file.c_str()) != 1) {
    return Bad(settings.cert_file, "holds no certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(ssl, settings.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Bad(settings.key_file, "holds no private key");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ClientContext>> ClientContext::Make(const ClientSettings& settings,
                                                                 uint64_t generation) {
  const std::shared_ptr<ClientContext> out = NewContext(settings, generation);
  ERR_clear_error();
  if (!settings.ciphers.empty() &&
      SSL_CTX_set_cipher_list(out->ssl.get(), settings.ciphers.c_str()) != 1) {
    return Bad(settings.ciphers, "names no cipher");
  }
  if (auto loaded = LoadAuthorities(out->ssl.get(), settings); !loaded) {
    return tl::unexpected<Error>(std::move(loaded).error());
  }
  if (auto loaded = LoadOwn(out->ssl.get(), settings); !loaded) {
    return tl::unexpected<Error>(std::move(loaded).error());
  }
  return out;
}

std::shared_ptr<const ClientContext> ClientContext::TrustingNobody(const ClientSettings& settings) {
  return NewContext(settings, 0);
}

}  // namespace gatehouse::tls
