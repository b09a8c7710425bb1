// SPDX-License-Identifier: Apache-2.0
#include "source/tls/client_trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "source/base/check.h"
#include "source/config/document.h"
#include "source/tls/layer.h"
#include "source/tls/trust_failure.h"
#include "source/tls/x509_text.h"

namespace gatehouse::tls {
namespace {

constexpr char kCaKey[] = "client_auth.ca_file";
constexpr char kCrlKey[] = "client_auth.crl_file";

void Tell(const Report& report, bool fatal, std::string_view key, std::string message) {
  report({fatal, key, Problem::kNoCertificate, std::move(message)});
}

std::optional<std::string> Read(const std::string& path, std::string_view key,
                                const Report& report) {
  if (path.empty()) {
    return std::nullopt;  // Which who has left it out knows.
  }
  Result<std::string> text = config::ReadFile(path);
  if (text) {
    return *std::move(text);
  }
  Tell(report, true, key, text.error().message);
  return std::nullopt;
}

std::string_view Bytes(const unsigned char* data, int size) {
  return {reinterpret_cast<const char*>(data), static_cast<size_t>(std::max(size, 0))};
}

}  // namespace

std::shared_ptr<const ClientTrust> ClientTrust::Load(const ClientAuthSettings& settings,
                                                     WallTime now, const Report& report) {
  std::shared_ptr<ClientTrust> out(new ClientTrust(settings));
  // Both, for their mistakes.
  const bool authorities = out->ReadAuthorities(report);
  const bool lists = settings.crl_file.empty() || out->ReadLists(now, report);
  if (!authorities || !lists) {
    return nullptr;
  }
  out->WarnOfMissingLists(report);
  out->TakeFingerprint();
  return out;
}

bool ClientTrust::ReadAuthorities(const Report& report) {
  const auto text = Read(settings_.ca_file, kCaKey, report);
  if (!text) {
    return false;
  }
  auto all = ReadCertificates(*text);
  if (!all) {
    Tell(report, true, kCaKey, settings_.ca_file + " " + all.error().message);
    return false;
  }
  certificates_ = std::move(*all);
  for (const X509Ptr& one : certificates_) {
    authorities_.push_back(NameText(X509_get_subject_name(one.get())));
    if (X509_check_ca(one.get()) == 0) {
      Tell(
          report, false, kCaKey,
          "\"" + authorities_.back() + "\" in " + settings_.ca_file + " is no authority (CA:TRUE)");
    }
  }
  ERR_clear_error();
  return true;
}

bool ClientTrust::ReadLists(WallTime now, const Report& report) {
  const auto text = Read(settings_.crl_file, kCrlKey, report);
  if (!text) {
    return false;
  }
  auto all = ReadCrls(*text);
  if (!all) {
    Tell(report, true, kCrlKey, settings_.crl_file + " " + all.error().message);
    return false;
  }
  lists_ = std::move(*all);
  const int64_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  bool ok = true;
  for (const CrlPtr& one : lists_) {
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(one.get());
    if (next == nullptr) {
      continue;
    }
    const int64_t until = SecondsOf(*next);
    lists_until_ = lists_until_ == 0 ? until : std::min(lists_until_, until);
    if (until < seconds) {
      Tell(report, true, kCrlKey,
           "the revocation list of \"" + NameText(X509_CRL_get_issuer(one.get())) + "\" in " +
               settings_.crl_file + " ran out at " + TimeText(until) +
               ": who it is for is refused");
      ok = false;
    }
  }
  return ok;
}

// With lists, every authority needs one: without, there is no telling who is revoked.
void ClientTrust::WarnOfMissingLists(const Report& report) const {
  if (lists_.empty()) {
    return;
  }
  for (size_t i = 0; i < certificates_.size(); ++i) {
    const X509_NAME* const subject = X509_get_subject_name(certificates_[i].get());
    const bool listed = std::any_of(lists_.begin(), lists_.end(), [&](const CrlPtr& list) {
      return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), subject) == 0;
    });
    if (!listed) {
      Tell(report, false, kCrlKey,
           settings_.crl_file + " has no list of \"" + authorities_[i] +
               "\": certificates that it has issued are refused");
    }
  }
}

void ClientTrust::TakeFingerprint() {
  Sha256 digest;
  digest.Add(settings_.mode == ClientAuthMode::kRequire ? "require" : "request");
  digest.Add(std::to_string(settings_.verify_depth));
  for (const X509Ptr& one : certificates_) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(one.get(), &der);
    digest.Add(Bytes(der, size));
    OPENSSL_free(der);
  }
  for (const CrlPtr& one : lists_) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_CRL(one.get(), &der);
    digest.Add(Bytes(der, size));
    OPENSSL_free(der);
  }
  fingerprint_ = digest.Finish();
}

int ClientTrust::Verify(X509_STORE_CTX* chain, void* self) {
  if (X509_verify_cert(chain) == 1) {
    return 1;
  }
  const ClientAuthSettings& settings = static_cast<const ClientTrust*>(self)->settings_;
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Layer::Explain(ssl, "client certificate " + SubjectOf(chain) + ": " +
                          TrustFailure(chain, {settings.ca_file, settings.crl_file}, ""));
  return 0;
}

void ClientTrust::Apply(SSL_CTX* context) const {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& one : certificates_) {
    X509_STORE_add_cert(store, one.get());
    SSL_CTX_add_client_CA(context, one.get());
  }
  for (const CrlPtr& one : lists_) {
    X509_STORE_add_crl(store, one.get());
  }
  // Whatever is in ca_file is trusted, be it a root or not.
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (!lists_.empty()) {
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  }
  X509_STORE_set_flags(store, flags);
  SSL_CTX_set_verify_depth(context, static_cast<int>(settings_.verify_depth));
  int mode = SSL_VERIFY_PEER;
  if (settings_.mode == ClientAuthMode::kRequire) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &ClientTrust::Verify, const_cast<ClientTrust*>(this));
  ERR_clear_error();
}

}  // namespace gatehouse::tls
