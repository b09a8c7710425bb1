// SPDX-License-Identifier: Apache-2.0
#include "source/tls/traffic_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::tls {
namespace {

constexpr size_t kMaxKey = 32;

unsigned char* Bytes(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
int Size(std::string_view bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

void CipherContextDelete::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

const Suite* FindSuite(uint16_t number) {
  static const Suite kAes128{EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr),
                             EVP_MD_fetch(nullptr, "SHA256", nullptr), 16, 32};
  static const Suite kAes256{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
                             EVP_MD_fetch(nullptr, "SHA384", nullptr), 32, 48};
  static const Suite kChaCha{EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr),
                             EVP_MD_fetch(nullptr, "SHA256", nullptr), 32, 32};
  const Suite* const found = number == 0x1301   ? &kAes128
                             : number == 0x1302 ? &kAes256
                             : number == 0x1303 ? &kChaCha
                                                : nullptr;
  const bool there = found != nullptr && found->cipher != nullptr && found->digest != nullptr;
  return there ? found : nullptr;
}

TrafficKeys::TrafficKeys(const Suite& suite, Use use, std::string_view secret, uint64_t sequence)
    : suite_(suite), context_(EVP_CIPHER_CTX_new()), sequence_(sequence), use_(use) {
  if (context_ == nullptr || secret.size() != suite.secret_size) {
    return;
  }
  std::copy(secret.begin(), secret.end(), secret_.begin());
  usable_ = UseSecret();
}

TrafficKeys::~TrafficKeys() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

// HKDF-Expand-Label without a context (section 7.1), of at most one block of the hash.
bool TrafficKeys::Derive(std::string_view label, size_t size, uint8_t* into) const {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<uint8_t, 32> info;
  size_t at = 0;
  info[at++] = static_cast<uint8_t>(size >> 8);
  info[at++] = static_cast<uint8_t>(size);
  info[at++] = static_cast<uint8_t>(kPrefix.size() + label.size());
  at = std::copy(kPrefix.begin(), kPrefix.end(), info.begin() + at) - info.begin();
  at = std::copy(label.begin(), label.end(), info.begin() + at) - info.begin();
  info[at++] = 0;  // Of the context.
  info[at++] = 1;  // HKDF's counter.
  std::array<uint8_t, EVP_MAX_MD_SIZE> block;
  unsigned block_size = 0;
  if (HMAC(suite_.digest, secret_.data(), static_cast<int>(suite_.secret_size), info.data(), at,
           block.data(), &block_size) == nullptr ||
      block_size < size) {
    return false;
  }
  std::copy_n(block.begin(), size, into);
  OPENSSL_cleanse(block.data(), block.size());
  return true;
}

bool TrafficKeys::UseSecret() {
  std::array<uint8_t, kMaxKey> key;
  const bool derived =
      Derive("key", suite_.key_size, key.data()) && Derive("iv", kNonce, iv_.data());
  const bool used =
      derived && EVP_CipherInit_ex2(context_.get(), suite_.cipher, key.data(), nullptr,
                                    use_ == Use::kSeal ? 1 : 0, nullptr) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  return used;
}

bool TrafficKeys::Update() {
  std::array<uint8_t, kMaxSecret> next;
  if (!Derive("traffic upd", suite_.secret_size, next.data())) {
    return false;
  }
  secret_ = next;
  OPENSSL_cleanse(next.data(), next.size());
  sequence_ = 0;
  return UseSecret();
}

bool TrafficKeys::NextNonce() {
  std::array<uint8_t, kNonce> nonce = iv_;
  for (size_t i = 0; i < sizeof(sequence_); ++i) {
    nonce[kNonce - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
  }
  ++sequence_;
  return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce.data(), -1, nullptr) == 1;
}

bool TrafficKeys::Seal(std::string_view header, std::string_view plain, uint8_t type, char* into) {
  EVP_CIPHER_CTX* const context = context_.get();
  int size = 0;
  if (!NextNonce() ||
      EVP_EncryptUpdate(context, nullptr, &size, Bytes(header), Size(header)) != 1) {
    return false;
  }
  char* out = into;
  if (!plain.empty()) {
    if (EVP_EncryptUpdate(context, Bytes(out), &size, Bytes(plain), Size(plain)) != 1) {
      return false;
    }
    out += size;
  }
  if (EVP_EncryptUpdate(context, Bytes(out), &size, &type, 1) != 1) {
    return false;
  }
  out += size;
  if (EVP_EncryptFinal_ex(context, Bytes(out), &size) != 1) {
    return false;
  }
  out += size;
  return out == into + plain.size() + 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out) == 1;
}

bool TrafficKeys::Open(std::string_view header, std::string_view sealed, char* into) {
  EVP_CIPHER_CTX* const context = context_.get();
  const std::string_view text = sealed.substr(0, sealed.size() - kTag);
  std::array<char, kTag> tag;
  std::copy_n(sealed.end() - kTag, kTag, tag.begin());
  int size = 0;
  int rest = 0;
  return NextNonce() &&
         EVP_DecryptUpdate(context, nullptr, &size, Bytes(header), Size(header)) == 1 &&
         EVP_DecryptUpdate(context, Bytes(into), &size, Bytes(text), Size(text)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
         EVP_DecryptFinal_ex(context, Bytes(into) + size, &rest) == 1 &&
         static_cast<size_t>(size + rest) == text.size();
}

}  // namespace gatehouse::tls
