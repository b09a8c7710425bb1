// SPDX-License-Identifier: Apache-2.0
#include "source/tls/cipher_suites.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::tls {
namespace {

constexpr int kWeakestBits = 112;  // OpenSSL's security level 2.
constexpr char kAll13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";

struct Suite {
  std::string name;
  std::string standard_name;  // As IANA has it.
  bool tls13 = false;
  bool rsa = false;
  bool ec = false;
  std::string_view refused;  // Why it can't be used; empty: it can.
};

std::string_view WhyRefused(const SSL_CIPHER* cipher) {
  const int authentication = SSL_CIPHER_get_auth_nid(cipher);
  if (SSL_CIPHER_get_cipher_nid(cipher) == NID_undef) {
    return "does not encrypt";
  }
  if (authentication == NID_auth_null) {
    return "is anonymous: anybody on the way could pass for the server";
  }
  if (SSL_CIPHER_get_bits(cipher, nullptr) < kWeakestBits ||
      SSL_CIPHER_get_cipher_nid(cipher) == NID_rc4) {
    return "is too weak";
  }
  if (authentication != NID_auth_rsa && authentication != NID_auth_ecdsa &&
      authentication != NID_auth_any) {
    return "needs something else than certificates";
  }
  const int exchange = SSL_CIPHER_get_kx_nid(cipher);
  return exchange == NID_kx_rsa_psk || exchange == NID_kx_srp
             ? "needs a secret that is shared beforehand"
             : "";
}

std::vector<Suite> AllSuites() {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_method()),
                                                             SSL_CTX_free);
  GATEHOUSE_CHECK(context != nullptr, "out of memory");
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_cipher_list(context.get(), "ALL:COMPLEMENTOFALL");
  SSL_CTX_set_ciphersuites(context.get(), kAll13);
  ERR_clear_error();
  std::vector<Suite> out;
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    const SSL_CIPHER* const one = sk_SSL_CIPHER_value(all, i);
    const char* const standard = SSL_CIPHER_standard_name(one);
    // Servers here have no parameters for DHE.
    const int authentication =
        SSL_CIPHER_get_kx_nid(one) == NID_kx_dhe ? NID_undef : SSL_CIPHER_get_auth_nid(one);
    const std::string name = SSL_CIPHER_get_name(one);
    out.push_back({name, standard == nullptr ? "" : standard, name.starts_with("TLS_"),
                   authentication == NID_auth_rsa, authentication == NID_auth_ecdsa,
                   WhyRefused(one)});
  }
  return out;
}

const std::vector<Suite>& Suites() {
  static const std::vector<Suite> all = AllSuites();
  return all;
}

// The name to write instead of one that is not known; may be empty.
std::string Suggestion(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Suite& one : Suites()) {
    if (!one.refused.empty()) {
      continue;
    }
    if (one.standard_name == name || EqualsIgnoreCase(one.name, name)) {
      return one.name;
    }
    names.push_back(one.name);
  }
  return std::string(Nearest(name, names));
}

std::string Quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

}  // namespace

CipherSuites::CipherSuites(const std::vector<std::string>& names, const Report& report) {
  const auto refuse = [&](std::string message) {
    ok_ = false;
    report({true, "ciphers", Problem::kNoCertificate, std::move(message)});
  };
  for (const std::string& name : names) {
    const auto found = std::find_if(Suites().begin(), Suites().end(),
                                    [&](const Suite& one) { return one.name == name; });
    if (found == Suites().end()) {
      const std::string instead = Suggestion(name);
      refuse(Quoted(name) + " is no cipher suite of OpenSSL's" +
             (instead.empty() ? "" : " (did you mean " + Quoted(instead) + "?)"));
    } else if (!found->refused.empty()) {
      refuse(Quoted(name) + " " + std::string(found->refused));
    } else {
      std::string& list = found->tls13 ? newer_ : older_;
      list.append(list.empty() ? "" : ":").append(name);
      any_rsa_ = any_rsa_ || found->rsa;
      any_ec_ = any_ec_ || found->ec;
    }
  }
}

bool CipherSuites::Fits(int key_kind) const {
  const bool rsa = key_kind == EVP_PKEY_RSA || key_kind == EVP_PKEY_RSA_PSS;
  return older_.empty() || (rsa ? any_rsa_ : any_ec_);
}

void CipherSuites::WarnOfVersions(int min, int max, const Report& report) const {
  const auto warn = [&](const std::string& unused, std::string_view why) {
    report({false, "ciphers", Problem::kNoCertificate, unused + ' ' + std::string(why)});
  };
  if (!newer_.empty() && max < TLS1_3_VERSION) {
    warn(newer_, "is of TLS 1.3, which max_version leaves out");
  }
  if (!older_.empty() && min > TLS1_2_VERSION) {
    warn(older_, "is of TLS 1.2, which min_version leaves out");
  }
}

}  // namespace gatehouse::tls
