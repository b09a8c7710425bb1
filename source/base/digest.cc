// SPDX-License-Identifier: Apache-2.0
#include "source/base/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>

#include "source/base/check.h"

namespace gatehouse {

std::string Sha1Base64(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr);
  GATEHOUSE_CHECK(done == 1, "SHA-1 is not available");
  std::string out(4 * ((size + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a NUL.
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest.data(),
                                     static_cast<int>(size));
  out.resize(static_cast<size_t>(length));
  return out;
}

struct Sha256::Context {
  Context() {
    GATEHOUSE_CHECK(hash != nullptr && context != nullptr, "SHA-256 is not available");
    Restart();
  }
  ~Context() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(hash);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void Restart() {
    GATEHOUSE_CHECK(EVP_DigestInit_ex2(context, hash, nullptr) == 1, "SHA-256 does not start");
  }

  EVP_MD* const hash = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::Add(std::string_view bytes) {
  EVP_DigestUpdate(context_->context, bytes.data(), bytes.size());
  return *this;
}

Sha256Digest Sha256::Finish() {
  Sha256Digest out;
  EVP_DigestFinal_ex(context_->context, out.data(), nullptr);
  context_->Restart();
  return out;
}

Sha256Digest RandomKey() {
  Sha256Digest out;
  GATEHOUSE_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1,
                  "there is no randomness to be had");
  return out;
}

}  // namespace gatehouse
