// SPDX-License-Identifier: Apache-2.0
// SipHash-1-3 (Aumasson and Bernstein, 2012; the reduced rounds that hash tables use), over words:
// who does not know the key can't aim at collisions.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "source/base/digest.h"

namespace gatehouse::filters {

struct SipKey {
  uint64_t first = 0;
  uint64_t second = 0;

  static SipKey Random() {
    const Sha256Digest bytes = RandomKey();
    SipKey out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
};

// Of a sequence of words; callers see to it that no two different inputs give the same sequence.
class SipHash {
 public:
  explicit SipHash(const SipKey& key)
      : v0_(key.first ^ 0x736f6d6570736575),
        v1_(key.second ^ 0x646f72616e646f6d),
        v2_(key.first ^ 0x6c7967656e657261),
        v3_(key.second ^ 0x7465646279746573) {}

  void Word(uint64_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
    ++words_;
  }
  // As words, the last one filled up with zeros.
  void Bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      uint64_t word = 0;
      const size_t count = bytes.size() < sizeof word ? bytes.size() : sizeof word;
      std::memcpy(&word, bytes.data(), count);
      Word(word);
      bytes.remove_prefix(count);
    }
  }
  uint64_t Finish() {
    Word(words_ << 59);  // The length in bytes, modulo 256, on top.
    v2_ ^= 0xff;
    Round();
    Round();
    Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void Round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  uint64_t v0_;
  uint64_t v1_;
  uint64_t v2_;
  uint64_t v3_;
  uint64_t words_ = 0;
};

}  // namespace gatehouse::filters
