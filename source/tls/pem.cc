// SPDX-License-Identifier: Apache-2.0
#include "source/tls/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstring>

#include "source/tls/openssl_error.h"

namespace gatehouse::tls {
namespace {

tl::unexpected<Error> Unusable(std::string why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(why));
}

// Reads one object after the other, until there is none of the kind.
template <typename Ptr, typename Read>
Result<std::vector<Ptr>> ReadAll(std::string_view pem, Read read, const char* what) {
  const BioPtr bio = ReaderOf(pem);
  std::vector<Ptr> out;
  ERR_clear_error();
  while (Ptr one{read(bio.get())}) {
    out.push_back(std::move(one));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string reason = OpenSslReason("it can't be read");
  if (!ended) {
    return Unusable(std::string("has a ") + what + " that can't be read: " + reason);
  }
  if (out.empty()) {
    return Unusable(std::string("has no ") + what + " in PEM form (-----BEGIN ...)");
  }
  return out;
}

struct Passphrase {
  const std::string& text;
  bool asked = false;
};

int TellPassphrase(char* into, int size, int /*writing*/, void* self) {
  auto& passphrase = *static_cast<Passphrase*>(self);
  passphrase.asked = true;
  if (passphrase.text.empty() || passphrase.text.size() > static_cast<size_t>(size)) {
    return -1;
  }
  std::memcpy(into, passphrase.text.data(), passphrase.text.size());
  return static_cast<int>(passphrase.text.size());
}

}  // namespace

void X509Free::operator()(X509* one) const { X509_free(one); }
void KeyFree::operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
void CrlFree::operator()(X509_CRL* one) const { X509_CRL_free(one); }
void BioFree::operator()(BIO* one) const { BIO_free(one); }

BioPtr ReaderOf(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::vector<X509Ptr>> ReadCertificates(std::string_view pem) {
  return ReadAll<X509Ptr>(
      pem, [](BIO* bio) { return PEM_read_bio_X509(bio, nullptr, nullptr, nullptr); },
      "certificate");
}

Result<std::vector<CrlPtr>> ReadCrls(std::string_view pem) {
  return ReadAll<CrlPtr>(
      pem, [](BIO* bio) { return PEM_read_bio_X509_CRL(bio, nullptr, nullptr, nullptr); },
      "revocation list");
}

Result<KeyPtr> ReadKey(std::string_view pem, const std::string& passphrase) {
  if (pem.find("PRIVATE KEY-----") == pem.npos) {
    return Unusable("has no private key in PEM form (-----BEGIN ...)");
  }
  const BioPtr bio = ReaderOf(pem);
  Passphrase told{passphrase};
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &TellPassphrase, &told));
  const std::string reason = OpenSslReason("it is damaged");
  if (key != nullptr) {
    return key;
  }
  if (told.asked && passphrase.empty()) {
    return Unusable("is protected by a passphrase: give it as key_passphrase");
  }
  if (told.asked) {
    return Unusable("can't be opened with this key_passphrase");
  }
  return Unusable("has a private key that can't be read: " + reason);
}

}  // namespace gatehouse::tls
