// SPDX-License-Identifier: Apache-2.0
#include "source/base/digest.h"

#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init() and so on.
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

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

std::string Sha1Hex(std::string_view bytes) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string out;
  for (const unsigned char byte : digest) {
    out.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  }
  return out;
}

// EVP_DigestInit_ex2() of OpenSSL 3.0 allocates each time, also for a context that is used again;
// these calls, deprecated as they are, never do.
struct Sha256::Context {
  Context() { SHA256_Init(&state); }
  SHA256_CTX state;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::Add(std::string_view bytes) {
  SHA256_Update(&context_->state, bytes.data(), bytes.size());
  return *this;
}

Sha256Digest Sha256::Finish() {
  Sha256Digest out;
  SHA256_Final(out.data(), &context_->state);
  SHA256_Init(&context_->state);
  return out;
}

Sha256Digest RandomKey() {
  Sha256Digest out;
  GATEHOUSE_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1,
                  "there is no randomness to be had");
  return out;
}

}  // namespace gatehouse
