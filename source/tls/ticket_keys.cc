// SPDX-License-Identifier: Apache-2.0
#include "source/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/check.h"

namespace gatehouse::tls {
namespace {

constexpr size_t kIvBytes = 16;

// Looked up once: a look-up costs more than what is done with it.
const EVP_CIPHER* CipherOf(const TicketKey& key) {
  static EVP_CIPHER* const small = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  static EVP_CIPHER* const large = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return key.size == 16 ? small : large;
}

void FillRandom(unsigned char* into, size_t size) {
  GATEHOUSE_CHECK(RAND_bytes(into, static_cast<int>(size)) == 1, "no random bytes");
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(mac.data(), mac.size());
  OPENSSL_cleanse(cipher.data(), cipher.size());
}

TicketKey TicketKey::Random() {
  TicketKey out;
  FillRandom(out.name.data(), out.name.size());
  FillRandom(out.mac.data(), out.mac.size());
  FillRandom(out.cipher.data(), out.cipher.size());
  return out;
}

Result<TicketKey> TicketKey::Of(std::string_view bytes) {
  constexpr size_t kShort = 48;
  constexpr size_t kLong = 80;
  if (bytes.size() != kShort && bytes.size() != kLong) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                "has " + std::to_string(bytes.size()) +
                    " bytes; a ticket key has 80 (openssl rand 80 > ticket.key), or 48");
  }
  TicketKey out;
  out.size = bytes.size() == kShort ? 16 : 32;
  std::memcpy(out.name.data(), bytes.data(), kNameBytes);
  // The short ones have them the other way round.
  const char* const first = bytes.data() + kNameBytes;
  const char* const second = first + out.size;
  std::memcpy(out.cipher.data(), out.size == 16 ? first : second, out.size);
  std::memcpy(out.mac.data(), out.size == 16 ? second : first, out.size);
  return out;
}

TicketKeys::TicketKeys() { Replace({TicketKey::Random()}); }

void TicketKeys::Rotate() {
  const std::shared_ptr<const Ring> old = ring_.Get();
  Ring next{TicketKey::Random()};
  next.insert(next.end(), old->begin(), old->begin() + std::min(old->size(), kKept - 1));
  Replace(std::move(next));
}

void TicketKeys::Replace(std::vector<TicketKey> keys) {
  ring_.Publish(std::make_shared<Ring>(std::move(keys)));
}

int TicketKeys::Use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, bool encrypt) const {
  const std::shared_ptr<const Ring> ring = ring_.Get();
  const TicketKey* key = &ring->front();
  if (encrypt) {
    std::memcpy(name, key->name.data(), key->name.size());
    FillRandom(iv, kIvBytes);
  } else {
    const auto found = std::find_if(ring->begin(), ring->end(), [&](const TicketKey& one) {
      return std::memcmp(one.name.data(), name, one.name.size()) == 0;
    });
    if (found == ring->end()) {
      return 0;  // A full handshake.
    }
    key = &*found;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                        const_cast<unsigned char*>(key->mac.data()), key->size),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  if (EVP_MAC_CTX_set_params(mac, params) != 1 ||
      EVP_CipherInit_ex2(cipher, CipherOf(*key), key->cipher.data(), iv, encrypt ? 1 : 0,
                         nullptr) != 1) {
    return -1;
  }
  return encrypt || key == &ring->front() ? 1 : 2;  // 2: it is to be replaced by a new one.
}

}  // namespace gatehouse::tls
