// SPDX-License-Identifier: Apache-2.0
// One direction of a connection of TLS 1.3, from its traffic secret on: keys, nonces, and the
// sealing and opening of single records (RFC 8446 sections 5.2, 5.3 and 7).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_cipher_ctx_st;
struct evp_cipher_st;
struct evp_md_st;

namespace gatehouse::tls {

struct CipherContextDelete {
  void operator()(evp_cipher_ctx_st* context) const;
};

// What a cipher suite is made of; OpenSSL's objects, fetched once for the process.
struct Suite {
  const evp_cipher_st* cipher = nullptr;
  const evp_md_st* digest = nullptr;
  size_t key_size = 0;
  size_t secret_size = 0;
};

// The suite by its number (RFC 8446 appendix B.4): AES-GCM and ChaCha20-Poly1305. Null for others.
const Suite* FindSuite(uint16_t number);

class TrafficKeys {
 public:
  static constexpr size_t kMaxSecret = 48;
  static constexpr size_t kTag = 16;
  enum class Use : uint8_t { kSeal, kOpen };

  // `secret` has suite.secret_size bytes. `sequence`: records that were protected with it before.
  TrafficKeys(const Suite& suite, Use use, std::string_view secret, uint64_t sequence);
  ~TrafficKeys();
  TrafficKeys(const TrafficKeys&) = delete;
  TrafficKeys& operator=(const TrafficKeys&) = delete;

  // Whether OpenSSL gave what is needed; nothing else may be called without.
  bool usable() const { return usable_; }
  // Writes `plain`, `type` and the tag behind `header` (five bytes, authenticated) to `into`:
  // plain.size() + 1 + kTag bytes. False when OpenSSL refuses.
  bool Seal(std::string_view header, std::string_view plain, uint8_t type, char* into);
  // Writes what `sealed` (tag included) holds to `into`: sealed.size() - kTag bytes. False when it
  // is not what the peer sealed. REQUIRES: sealed.size() > kTag.
  bool Open(std::string_view header, std::string_view sealed, char* into);
  // The next secret (section 7.2), from record 0 on.
  bool Update();
  // Records protected with this secret so far.
  uint64_t sequence() const { return sequence_; }

 private:
  static constexpr size_t kNonce = 12;

  bool UseSecret();
  bool Derive(std::string_view label, size_t size, uint8_t* into) const;
  // Sets the next record's nonce.
  bool NextNonce();

  const Suite& suite_;
  std::unique_ptr<evp_cipher_ctx_st, CipherContextDelete> context_;
  uint64_t sequence_;
  std::array<uint8_t, kMaxSecret> secret_;
  std::array<uint8_t, kNonce> iv_;
  const Use use_;
  bool usable_ = false;
};

}  // namespace gatehouse::tls
