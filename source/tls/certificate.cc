// SPDX-License-Identifier: Apache-2.0
#include "source/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/config/document.h"
#include "source/tls/openssl_error.h"
#include "source/tls/x509_text.h"

namespace gatehouse::tls {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMinEcBits = 224;
constexpr int64_t kDay = 24 * 60 * 60;
constexpr int64_t kWarnDays = 14;

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

class Loading {
 public:
  Loading(const CertificateFiles& files, size_t index, WallTime now, const Certificate* previous,
          const Report& report)
      : files_(files), index_(index), now_(Seconds(now)), previous_(previous), report_(report) {}

  std::shared_ptr<const Certificate> Load() {
    auto out = std::make_shared<Certificate>();
    out->files = files_;
    ReadChain(*out);
    ReadOwnKey(*out);
    if (out->leaf != nullptr) {
      TellFacts(*out);
      failed_ = !CheckTime(*out, index_, WallTime(std::chrono::seconds(now_)), report_) || failed_;
      CheckStrength(*X509_get0_pubkey(out->leaf.get()));
      CheckOrder(*out);
      ReadOcsp(*out);
    } else if (!files_.ocsp_file.empty()) {
      (void)Read("ocsp_file", files_.ocsp_file);  // For its mistakes.
    }
    if (out->leaf != nullptr && out->key != nullptr) {
      ERR_clear_error();
      if (X509_check_private_key(out->leaf.get(), out->key.get()) != 1) {
        Error("key_file", "is not the key of the certificate in " + files_.cert_file);
      }
      ERR_clear_error();
    }
    return failed_ ? nullptr : out;
  }

 private:
  void Error(std::string_view key, std::string message) {
    failed_ = true;
    report_({true, key, index_, std::move(message)});
  }
  void Warning(std::string_view key, std::string message) {
    report_({false, key, index_, std::move(message)});
  }

  std::optional<std::string> Read(std::string_view key, const std::string& path) {
    if (path.empty()) {
      failed_ = true;
      return std::nullopt;
    }
    Result<std::string> text = config::ReadFile(path);
    if (text) {
      return *std::move(text);
    }
    Error(key, text.error().message);
    return std::nullopt;
  }

  void ReadChain(Certificate& out) {
    const auto text = Read("cert_file", files_.cert_file);
    if (!text) {
      return;
    }
    auto all = ReadCertificates(*text);
    if (!all) {
      Error("cert_file", files_.cert_file + " " + all.error().message);
      return;
    }
    out.leaf = std::move(all->front());
    for (size_t i = 1; i < all->size(); ++i) {
      out.chain.push_back(std::move((*all)[i]));
    }
  }

  void ReadOwnKey(Certificate& out) {
    const auto text = Read("key_file", files_.key_file);
    if (!text) {
      return;
    }
    auto key = ReadKey(*text, files_.key_passphrase);
    if (!key) {
      Error("key_file", files_.key_file + " " + key.error().message);
      return;
    }
    out.key = *std::move(key);
  }

  void NoStaple(std::string why, Certificate& out) {
    if (previous_ == nullptr) {
      Error("ocsp_file", std::move(why));
      return;
    }
    const bool same =
        previous_->facts.fingerprint == out.facts.fingerprint && previous_->staple.has_value();
    if (same) {
      out.staple = previous_->staple;
    }
    Warning("ocsp_file", std::move(why) + (same ? ": what was stapled before still is"
                                                : ": nothing is stapled"));
  }

  // Without an answer that fits the certificate is shown alone: only a file that isn't one is
  // worse.
  void ReadOcsp(Certificate& out) {
    if (files_.ocsp_file.empty()) {
      return;
    }
    const Result<std::string> text = config::ReadFile(files_.ocsp_file);
    if (!text) {
      NoStaple(text.error().message, out);
      return;
    }
    X509* const self = out.leaf.get();
    X509* issuer = out.chain.empty() ? nullptr : out.chain.front().get();
    if (issuer == nullptr && X509_check_issued(self, self) == X509_V_OK) {
      issuer = self;
    }
    auto staple = ReadStaple(*text, self, issuer);
    if (!staple) {
      NoStaple(files_.ocsp_file + " " + staple.error().message, out);
      return;
    }
    if (!staple->good) {
      Warning("ocsp_file",
              files_.ocsp_file + " does not say that the certificate is good: nothing is stapled");
    } else if (!staple->ValidAt(now_)) {
      Warning("ocsp_file", files_.ocsp_file + " is valid from " + TimeText(staple->this_update) +
                               " to " + TimeText(staple->next_update) + ": nothing is stapled");
    }
    out.staple = *std::move(staple);
  }

  static void TellFacts(Certificate& out) {
    const X509& leaf = *out.leaf;
    AlternativeNames names = NamesOf(leaf);
    CertificateFacts& facts = out.facts;
    facts.subject = NameText(X509_get_subject_name(&leaf));
    facts.issuer = NameText(X509_get_issuer_name(&leaf));
    facts.serial = SerialText(leaf);
    facts.fingerprint = FingerprintText(leaf);
    facts.names = std::move(names.dns);
    facts.addresses = std::move(names.addresses);
    if (facts.names.empty() && facts.addresses.empty()) {
      // Clients have given this up; certificates of one's own still come so.
      facts.names.push_back(Lowercase(CommonName(leaf)));
    }
    facts.not_before = NotBefore(leaf);
    facts.not_after = NotAfter(leaf);
    if (const EVP_PKEY* const key = X509_get0_pubkey(&leaf)) {
      facts.key_type = KeyText(*key);
      out.key_kind = EVP_PKEY_get_base_id(key);
    }
  }

  void CheckStrength(const EVP_PKEY& key) {
    const int kind = EVP_PKEY_get_base_id(&key);
    const int bits = EVP_PKEY_get_bits(&key);
    const bool is_rsa = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS;
    if ((is_rsa && bits < kMinRsaBits) || (kind == EVP_PKEY_EC && bits < kMinEcBits)) {
      Error("cert_file", "the certificate in " + files_.cert_file + " has a weak key, " +
                             KeyText(key) + ": use RSA 2048 or more, or EC P-256");
    }
  }

  void CheckOrder(const Certificate& out) {
    X509* below = out.leaf.get();
    for (const X509Ptr& above : out.chain) {
      if (X509_check_issued(above.get(), below) != X509_V_OK) {
        Warning("cert_file", "the chain in " + files_.cert_file + " is out of order: \"" +
                                 NameText(X509_get_subject_name(above.get())) +
                                 "\" did not issue the certificate before it, \"" +
                                 NameText(X509_get_subject_name(below)) + "\"");
        break;
      }
      below = above.get();
    }
    ERR_clear_error();
  }

  const CertificateFiles& files_;
  const size_t index_;
  const int64_t now_;
  const Certificate* const previous_;
  const Report& report_;
  bool failed_ = false;
};

}  // namespace

bool CheckTime(const Certificate& certificate, size_t index, WallTime now, const Report& report) {
  const CertificateFacts& facts = certificate.facts;
  const std::string name = "the certificate in " + certificate.files.cert_file;
  const int64_t seconds = Seconds(now);
  const auto tell = [&](bool fatal, std::string message) {
    report({fatal, "cert_file", index, std::move(message)});
  };
  if (facts.not_after < seconds) {
    tell(true, name + " expired at " + TimeText(facts.not_after));
    return false;
  }
  if (facts.not_before > seconds) {
    tell(false, name + " is not valid before " + TimeText(facts.not_before));
  }
  const int64_t days = (facts.not_after - seconds) / kDay;
  if (days < kWarnDays) {
    tell(false, name + " expires in " + std::to_string(days) +
                    (days == 1 ? " day, at " : " days, at ") + TimeText(facts.not_after));
  }
  return true;
}

std::shared_ptr<const Certificate> LoadCertificate(const CertificateFiles& files, size_t index,
                                                   WallTime now, const Certificate* previous,
                                                   const Report& report) {
  return Loading(files, index, now, previous, report).Load();
}

}  // namespace gatehouse::tls
