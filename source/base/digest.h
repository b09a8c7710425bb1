// SPDX-License-Identifier: Apache-2.0
// Digests that protocols ask for by name, and random keys. With hmac.h the only place
// outside tls/ that includes OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace gatehouse {

// The SHA-1 digest in base64, as WebSocket's handshake wants it (RFC 6455 section 4.2.2). Not for
// anything that must resist an attacker.
std::string Sha1Base64(std::string_view bytes);
// In 40 hexadecimal digits, lower case, as Redis names scripts by it.
std::string Sha1Hex(std::string_view bytes);

using Sha256Digest = std::array<uint8_t, 32>;

// A digest is as good a hash as there is.
struct DigestHash {
  size_t operator()(const Sha256Digest& digest) const {
    size_t out = 0;
    std::memcpy(&out, digest.data(), sizeof out);
    return out;
  }
};

// SHA-256, again and again: what it works with is allocated once. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& Add(std::string_view bytes);
  // Of all that was added; then it starts anew.
  Sha256Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// 32 bytes that nobody can guess.
Sha256Digest RandomKey();

}  // namespace gatehouse
