// SPDX-License-Identifier: Apache-2.0
#include "source/tls/client_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/base/clock.h"
#include "source/config/document.h"
#include "source/tls/certificate.h"
#include "source/tls/cipher_suites.h"
#include "source/tls/openssl_error.h"
#include "source/tls/pem.h"
#include "source/tls/verify_peer.h"

namespace gatehouse::tls {
namespace {

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

// Fills a context, and tells what is in the way.
class Filling {
 public:
  Filling(SSL_CTX* ssl, const ClientSettings& settings, const Report& report)
      : ssl_(ssl), settings_(settings), report_(report) {}

  bool Fill() {
    ERR_clear_error();
    SetCiphers();
    if (settings_.verify) {
      LoadAuthorities();
      LoadRevoked();
    }
    if (!settings_.cert_file.empty() || !settings_.key_file.empty()) {
      LoadIdentity();
    }
    return !failed_;
  }

  std::shared_ptr<const Certificate> certificate() const { return certificate_; }

 private:
  void Error(std::string_view key, std::string message) {
    failed_ = true;
    report_({true, key, Problem::kNoCertificate, std::move(message)});
  }

  void SetCiphers() {
    const CipherSuites suites(settings_.ciphers, report_);
    failed_ = failed_ || !suites.ok();
    if ((!suites.older().empty() && SSL_CTX_set_cipher_list(ssl_, suites.older().c_str()) != 1) ||
        (!suites.newer().empty() && SSL_CTX_set_ciphersuites(ssl_, suites.newer().c_str()) != 1)) {
      Error("ciphers", "OpenSSL refuses them: " + OpenSslReason("no cipher"));
    } else if (suites.ok() && settings_.min_version <= settings_.max_version) {
      suites.WarnOfVersions(settings_.min_version, settings_.max_version, report_);
    }
  }

  // What `read` makes of the file; empty, and an error, when it can't be used.
  template <typename Ptr>
  std::vector<Ptr> Read(std::string_view key, const std::string& path,
                        Result<std::vector<Ptr>> (*read)(std::string_view pem)) {
    const Result<std::string> text = config::ReadFile(path);
    if (!text) {
      Error(key, text.error().message);
      return {};
    }
    Result<std::vector<Ptr>> out = read(*text);
    if (!out) {
      Error(key, path + " " + out.error().message);
      return {};
    }
    return *std::move(out);
  }

  void LoadAuthorities() {
    const bool own = !settings_.ca_file.empty();
    const std::string file = own ? settings_.ca_file : SystemAuthorities();
    if (!own && access(file.c_str(), R_OK) != 0) {
      Error("ca_file", "is needed: there is no " + file +
                           " with whom the system trusts (Debian has it in ca-certificates)");
      return;
    }
    for (const X509Ptr& one : Read("ca_file", file, ReadCertificates)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl_), one.get());
    }
  }

  void LoadRevoked() {
    if (settings_.crl_file.empty()) {
      return;
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(ssl_);
    for (const CrlPtr& one : Read("crl_file", settings_.crl_file, ReadCrls)) {
      X509_STORE_add_crl(store, one.get());
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }

  void LoadIdentity() {
    const std::shared_ptr<const Certificate> own =
        LoadCertificate({settings_.cert_file, settings_.key_file}, Problem::kNoCertificate,
                        WallNow(), nullptr, report_);
    if (own == nullptr) {
      failed_ = true;
      return;
    }
    if (SSL_CTX_use_certificate(ssl_, own->leaf.get()) != 1 ||
        SSL_CTX_use_PrivateKey(ssl_, own->key.get()) != 1) {
      Error("cert_file", settings_.cert_file + " can't be used: " + OpenSslReason("no reason"));
      return;
    }
    for (const X509Ptr& one : own->chain) {
      SSL_CTX_add1_chain_cert(ssl_, one.get());
    }
    certificate_ = own;
  }

  SSL_CTX* const ssl_;
  const ClientSettings& settings_;
  const Report& report_;
  std::shared_ptr<const Certificate> certificate_;
  bool failed_ = false;
};

}  // namespace

std::shared_ptr<const ClientContext> ClientContext::Make(const ClientSettings& settings,
                                                         uint64_t generation,
                                                         const Report& report) {
  std::shared_ptr<ClientContext> out = NewContext(settings, generation);
  Filling filling(out->ssl.get(), out->settings, report);
  if (!filling.Fill()) {
    return nullptr;
  }
  out->certificate = filling.certificate();
  return out;
}

std::shared_ptr<const ClientContext> ClientContext::TrustingNobody(const ClientSettings& settings) {
  return NewContext(settings, 0);
}

}  // namespace gatehouse::tls
