// SPDX-License-Identifier: Apache-2.0
#include "source/tls/server_protocols.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>

#include "source/base/check.h"
#include "source/tls/cipher_suites.h"
#include "source/tls/openssl_error.h"

namespace gatehouse::tls {
namespace {

// Mozilla's "intermediate" (version 5.7) without DHE, which only costs: every client that has that
// has ECDHE. Whoever comes chooses among them, as one without AES in hardware fares better with
// ChaCha20.
constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphers13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";

int NumberOf(Version version) {
  return version == Version::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

const char* Or(const std::string& given, const char* otherwise) {
  return given.empty() ? otherwise : given.c_str();
}

// With TLS 1.2 a suite is for one type of key; whoever has none that fits can't be shown.
bool CheckKeys(const CipherSuites& suites, const ServerSettings& settings,
               const std::vector<std::shared_ptr<const Certificate>>& certificates,
               const Report& report) {
  if (settings.min_version != Version::kTls12) {
    return true;
  }
  const auto fits = [&](const auto& one) { return suites.Fits(one->key_kind); };
  if (!certificates.empty() && settings.max_version == Version::kTls12 &&
      std::none_of(certificates.begin(), certificates.end(), fits)) {
    report({true, "ciphers", Problem::kNoCertificate,
            "none is for the key of a certificate: " + certificates.front()->facts.key_type});
    return false;
  }
  for (size_t i = 0; i < certificates.size(); ++i) {
    if (!fits(certificates[i])) {
      report({false, "cert_file", i,
              "the key of " + certificates[i]->files.cert_file + " is " +
                  certificates[i]->facts.key_type +
                  ", and none of `ciphers` is for it: it is not shown with TLS 1.2"});
    }
  }
  return true;
}

}  // namespace

bool SetProtocols(SSL_CTX* context, const ServerSettings& settings,
                  const std::vector<std::shared_ptr<const Certificate>>& certificates,
                  const Report& report) {
  SSL_CTX_set_min_proto_version(context, NumberOf(settings.min_version));
  SSL_CTX_set_max_proto_version(context, NumberOf(settings.max_version));
  const CipherSuites suites(settings.ciphers, report);
  bool ok = suites.ok();
  const auto check = [&](int result, const char* key, const char* what) {
    if (result != 1) {
      ok = false;
      report({true, key, Problem::kNoCertificate, std::string(what) + ": " + OpenSslReason("")});
    }
    ERR_clear_error();
  };
  check(SSL_CTX_set_cipher_list(context, Or(suites.older(), kCiphers12)), "ciphers",
        "OpenSSL refuses them");
  check(SSL_CTX_set_ciphersuites(context, Or(suites.newer(), kCiphers13)), "ciphers",
        "OpenSSL refuses them");
  std::string groups;
  for (const std::string& group : settings.groups) {
    groups.append(groups.empty() ? "" : ":").append(group);
  }
  check(SSL_CTX_set1_groups_list(context, Or(groups, kGroups)), "groups",
        "OpenSSL lacks one of these");
  if (ok && settings.min_version <= settings.max_version) {
    suites.WarnOfVersions(NumberOf(settings.min_version), NumberOf(settings.max_version), report);
    ok = CheckKeys(suites, settings, certificates, report);
  }
  return ok;
}

void CheckProtocols(const ServerSettings& settings, const Report& report) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> trial(SSL_CTX_new(TLS_server_method()),
                                                           SSL_CTX_free);
  GATEHOUSE_CHECK(trial != nullptr, "out of memory");
  (void)SetProtocols(trial.get(), settings, {}, report);
}

}  // namespace gatehouse::tls
