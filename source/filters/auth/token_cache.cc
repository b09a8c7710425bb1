// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/token_cache.h"

#include <bit>
#include <cstring>
#include <random>

namespace gatehouse::filters {
namespace {

constexpr size_t kFirstBuckets = 64;

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
  if (buckets_.empty()) {
    return {};
  }
  const uint64_t hash = Hash(text);
  for (VerifiedToken* token = *Bucket(hash); token != nullptr; token = token->next_in_bucket_) {
    if (token->hash_ == hash && token->text_ == text && token->generation_ == generation) {
      token->used_ = true;
      return TokenRef(token);
    }
  }
  return {};
}

void TokenCache::Add(const TokenRef& ref) {
  VerifiedToken* const token = ref.token_;
  const size_t first_table = kFirstBuckets * sizeof(VerifiedToken*);
  if (token->bytes() + first_table > max_bytes_) {
    return;
  }
  if (buckets_.empty()) {
    buckets_.resize(kFirstBuckets);
  }
  if (size_ >= buckets_.size()) {
    Grow();
  }
  while (bytes() + token->bytes() > max_bytes_ && EvictOne()) {
  }
  if (bytes() + token->bytes() > max_bytes_) {
    return;
  }
  token->hash_ = Hash(token->text());
  token->used_ = false;
  VerifiedToken** const bucket = Bucket(token->hash_);
  token->next_in_bucket_ = *bucket;
  *bucket = token;
  Enqueue(token);
  ++token->references_;
  ++size_;
  token_bytes_ += token->bytes();
}

void TokenCache::Grow() {
  std::vector<VerifiedToken*> old(buckets_.size() * 2);
  old.swap(buckets_);
  for (VerifiedToken* token = oldest_; token != nullptr; token = token->next_in_queue_) {
    VerifiedToken** const bucket = Bucket(token->hash_);
    token->next_in_bucket_ = *bucket;
    *bucket = token;
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

void TokenCache::Unlink(VerifiedToken* token) {
  VerifiedToken** at = Bucket(token->hash_);
  while (*at != token) {
    at = &(*at)->next_in_bucket_;
  }
  *at = token->next_in_bucket_;
}

}  // namespace gatehouse::filters
