// SPDX-License-Identifier: Apache-2.0
#include "source/base/hmac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "source/base/check.h"

namespace gatehouse {
namespace {

const char* NameOf(Hmac::Hash hash) {
  switch (hash) {
    case Hmac::Hash::kSha256:
      return "SHA256";
    case Hmac::Hash::kSha384:
      return "SHA384";
    case Hmac::Hash::kSha512:
      return "SHA512";
  }
  return "";
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void Hmac::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

Hmac::Hmac(Hash hash, std::string_view key) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  GATEHOUSE_CHECK(mac != nullptr, "HMAC is not available");
  context_.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac);  // The context keeps it.
  // The parameter is not written to.
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(NameOf(hash)), 0),
      OSSL_PARAM_construct_end()};
  // A null pointer would mean the key of before.
  const std::string_view given = key.data() == nullptr ? std::string_view("") : key;
  const int done = EVP_MAC_init(context_.get(), Bytes(given), given.size(), parameters);
  GATEHOUSE_CHECK(done == 1, "HMAC can't be set up");
}

Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;
Hmac::~Hmac() = default;

std::string_view Hmac::Code(std::string_view message) {
  size_t size = 0;
  auto* const out = reinterpret_cast<unsigned char*>(code_.data());
  const bool done = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
                    EVP_MAC_update(context_.get(), Bytes(message), message.size()) == 1 &&
                    EVP_MAC_final(context_.get(), out, &size, code_.size()) == 1;
  GATEHOUSE_CHECK(done, "HMAC failed");
  return {code_.data(), size};
}

bool Hmac::Verify(std::string_view message, std::string_view code) {
  const std::string_view right = Code(message);
  return code.size() == right.size() && CRYPTO_memcmp(code.data(), right.data(), code.size()) == 0;
}

}  // namespace gatehouse
