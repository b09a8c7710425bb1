// SPDX-License-Identifier: Apache-2.0
// The tokens that one worker has verified, by their whole bytes.
//
// Bounded in bytes; when it is full, those go that were not asked for since their turn came last
// (CLOCK). There is one cache for each policy that tokens are verified by, so that none is found by
// another's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "source/filters/auth/verified_token.h"

namespace gatehouse::filters {

// One worker's. A token that streams use stays alive without the cache.
class TokenCache {
 public:
  explicit TokenCache(size_t max_bytes);
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;
  ~TokenCache();

  // The token with these bytes, verified with the keys of `generation`; null when there is none.
  // One of another generation is not found any more, and goes when its turn comes.
  TokenRef Find(std::string_view text, uint64_t generation);
  // Remembers `token`, which is not in there, unless it is larger than the cache.
  void Add(const TokenRef& token);

  size_t size() const { return size_; }
  // Of all tokens and of what finds them; never more than max_bytes.
  size_t bytes() const { return token_bytes_ + slots_.size() * sizeof(Slot); }

 private:
  // With the hash beside it, only the token that is looked for is touched: each that is not in the
  // processor's cache costs as much as the rest of a look-up.
  struct Slot {
    uint64_t hash = 0;
    VerifiedToken* token = nullptr;  // Null: free.
  };

  uint64_t Hash(std::string_view text) const;
  size_t SlotOf(uint64_t hash) const { return hash & (slots_.size() - 1); }
  size_t After(size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  void Insert(VerifiedToken* token);
  void Grow();
  bool EvictOne();
  void Enqueue(VerifiedToken* token);
  void Unlink(VerifiedToken* token);

  const size_t max_bytes_;
  const uint64_t seed_;
  std::vector<Slot> slots_;  // A power of two, a quarter of them free; probed one after another.
  // Oldest first; each token is in it once.
  VerifiedToken* oldest_ = nullptr;
  VerifiedToken* newest_ = nullptr;
  size_t size_ = 0;
  size_t token_bytes_ = 0;
};

}  // namespace gatehouse::filters
