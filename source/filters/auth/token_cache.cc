// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/token_cache.h"

#include <bit>
#include <cstring>
#include <random>

namespace gatehouse::filters {
namespace {

constexpr size_t kFirstSlots = 64;

uint64_t NewSeed() {
  std::random_device random;
  return (static_cast<uint64_t>(random()) << 32 | random()) | 1;
}

uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

TokenCache::TokenCache(size_t max_bytes) : max_bytes_(max_bytes), seed_(NewSeed()) {}

TokenCache::~TokenCache() {
  while (oldest_ != nullptr) {
    VerifiedToken* const token = oldest_;
    oldest_ = token->next_in_queue_;
    if (--token->references_ == 0) {
      VerifiedToken::Free(token);
    }
  }
}

// The end of a token is its signature: the 32 characters there are as good as random, and only
// whose signature is right gets in.
uint64_t TokenCache::Hash(std::string_view text) const {
  uint64_t words[4] = {};
  const size_t size = text.size() < sizeof(words) ? text.size() : sizeof(words);
  std::memcpy(words, text.data() + text.size() - size, size);
  const uint64_t low = Mix(words[0] ^ seed_, words[1] ^ 0x9e3779b97f4a7c15);
  const uint64_t high = Mix(words[2] ^ seed_, words[3] ^ 0xc2b2ae3d27d4eb4f);
  return Mix(low ^ text.size(), high ^ seed_);
}

TokenRef TokenCache::Find(std::string_view text, uint64_t generation) {
  if (slots_.empty()) {
    return {};
  }
  const uint64_t hash = Hash(text);
  for (size_t at = SlotOf(hash); slots_[at].token != nullptr; at = After(at)) {
    VerifiedToken* const token = slots_[at].token;
    if (slots_[at].hash != hash) {
      continue;
    }
    token->Prefetch(text.size());
    if (token->text_ == text && token->generation_ == generation) {
      token->used_ = true;
      return TokenRef(token);
    }
  }
  return {};
}

void TokenCache::Add(const TokenRef& ref) {
  VerifiedToken* const token = ref.token_;
  const size_t first_table = kFirstSlots * sizeof(Slot);
  if (token->bytes() + first_table > max_bytes_) {
    return;
  }
  if (slots_.empty()) {
    slots_.resize(kFirstSlots);
  }
  if (size_ * 4 >= slots_.size() * 3) {
    Grow();
  }
  while (bytes() + token->bytes() > max_bytes_ && EvictOne()) {
  }
  if (bytes() + token->bytes() > max_bytes_) {
    return;
  }
  token->hash_ = Hash(token->text());
  token->used_ = false;
  Insert(token);
  Enqueue(token);
  ++token->references_;
  ++size_;
  token_bytes_ += token->bytes();
}

void TokenCache::Insert(VerifiedToken* token) {
  size_t at = SlotOf(token->hash_);
  while (slots_[at].token != nullptr) {
    at = After(at);
  }
  slots_[at] = {token->hash_, token};
}

void TokenCache::Grow() {
  slots_.assign(slots_.size() * 2, {});
  for (VerifiedToken* token = oldest_; token != nullptr; token = token->next_in_queue_) {
    Insert(token);
  }
}

// Each token is passed over at most once before one goes.
bool TokenCache::EvictOne() {
  while (oldest_ != nullptr) {
    VerifiedToken* const token = oldest_;
    oldest_ = token->next_in_queue_;
    newest_ = oldest_ == nullptr ? nullptr : newest_;
    if (token->used_) {
      token->used_ = false;
      Enqueue(token);
      continue;
    }
    Unlink(token);
    --size_;
    token_bytes_ -= token->bytes();
    if (--token->references_ == 0) {
      VerifiedToken::Free(token);
    }
    return true;
  }
  return false;
}

void TokenCache::Enqueue(VerifiedToken* token) {
  token->next_in_queue_ = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->next_in_queue_) = token;
  newest_ = token;
}

// What was pushed on by it moves back, so that no search ends at the gap.
void TokenCache::Unlink(VerifiedToken* token) {
  size_t gap = SlotOf(token->hash_);
  while (slots_[gap].token != token) {
    gap = After(gap);
  }
  for (size_t at = After(gap); slots_[at].token != nullptr; at = After(at)) {
    // How far it is from where its search begins to the gap, and to where it is now.
    const size_t mask = slots_.size() - 1;
    const size_t home = SlotOf(slots_[at].hash);
    if (((gap - home) & mask) < ((at - home) & mask)) {
      slots_[gap] = slots_[at];
      gap = at;
    }
  }
  slots_[gap] = {};
}

}  // namespace gatehouse::filters
