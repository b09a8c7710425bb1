// SPDX-License-Identifier: Apache-2.0
// What session tickets are protected with: the same for all workers, and for a listener's next
// configuration.
//
// Whoever has a key can read what was sent on sessions that its tickets resume, so those that are
// made here live in memory only, and not for long.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/base/published.h"

namespace gatehouse::tls {

// Wiped when it goes.
struct TicketKey {
  static constexpr size_t kNameBytes = 16;
  ~TicketKey();
  std::array<unsigned char, kNameBytes> name{};
  std::array<unsigned char, 32> mac{};
  std::array<unsigned char, 32> cipher{};
  uint8_t size = 32;  // Of `mac` and `cipher`: 16 or 32.

  static TicketKey Random();
  // 48 or 80 bytes as nginx and HAProxy have them. An error is the rest of a sentence.
  static Result<TicketKey> Of(std::string_view bytes);
};

// Any thread.
class TicketKeys {
 public:
  static constexpr size_t kKept = 3;  // The one that encrypts, and two for those who come back.

  TicketKeys();
  // A new key encrypts; of the old ones the youngest still decrypt.
  void Rotate();
  // REQUIRES: not empty.
  void Replace(std::vector<TicketKey> keys);

  // As SSL_CTX_set_tlsext_ticket_key_evp_cb() wants it.
  int Use(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
          bool encrypt) const;

 private:
  using Ring = std::vector<TicketKey>;  // The first encrypts.
  Published<Ring> ring_;
};

}  // namespace gatehouse::tls
