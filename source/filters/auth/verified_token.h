// SPDX-License-Identifier: Apache-2.0
// A token that has been verified, and who it says is calling: one block of memory, kept by the
// cache and by the streams that use it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "source/filters/auth/flat_json.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

class TokenCache;
class TokenRef;

// Immutable but for what the cache keeps in it. Belongs to one worker.
class VerifiedToken {
 public:
  // Seconds since 1970 in milliseconds.
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  struct Facts {
    std::string_view filter;   // Outlives the token.
    std::string_view subject;  // A view into the claims' text, as all of them.
    std::string_view groups_claim;
    int64_t expires_ms = kNever;
    int64_t not_before_ms = 0;
    uint64_t generation = 0;  // Of the keys that verified it.
  };

  // Copies `text`, the whole token, and all that `claims` has.
  static TokenRef Make(std::string_view text, const FlatJson& claims, const Facts& facts);
  VerifiedToken(const VerifiedToken&) = delete;
  VerifiedToken& operator=(const VerifiedToken&) = delete;

  std::string_view text() const { return text_; }
  const observe::Identity& identity() const { return identity_; }
  // From `scope`, separated by spaces (RFC 9068 section 2.2.3.1), and from `scp`.
  std::span<const std::string_view> scopes() const { return scopes_; }
  int64_t expires_ms() const { return expires_ms_; }
  int64_t not_before_ms() const { return not_before_ms_; }
  uint64_t generation() const { return generation_; }
  // What it takes, the allocator's own share included.
  size_t bytes() const { return bytes_; }

 private:
  friend class TokenCache;
  friend class TokenRef;
  VerifiedToken() = default;
  static void Free(VerifiedToken* token);
  // What a look-up will read, from memory all at once: this and the text behind it.
  void Prefetch(size_t text_bytes) const {
    constexpr size_t kLine = 64;
    const char* const begin = reinterpret_cast<const char*>(this);
    for (size_t at = 0; at < sizeof(*this) + text_bytes; at += kLine) {
      __builtin_prefetch(begin + at);
    }
  }

  // What every request reads first.
  std::string_view text_;
  uint64_t generation_ = 0;
  int64_t expires_ms_ = 0;
  int64_t not_before_ms_ = 0;
  uint32_t references_ = 0;
  bool used_ = false;  // The cache's, as are hash_ and next_in_queue_.

  observe::Identity identity_;
  std::span<const std::string_view> scopes_;
  uint32_t bytes_ = 0;
  VerifiedToken* next_in_queue_ = nullptr;
  uint64_t hash_ = 0;
};

// Keeps a token alive; counts without atomics, so all of one token are on one worker.
class TokenRef {
 public:
  TokenRef() = default;
  explicit TokenRef(VerifiedToken* token) : token_(token) {
    if (token_ != nullptr) {
      ++token_->references_;
    }
  }
  TokenRef(const TokenRef& other) : TokenRef(other.token_) {}
  TokenRef(TokenRef&& other) noexcept : token_(std::exchange(other.token_, nullptr)) {}
  TokenRef& operator=(TokenRef other) noexcept {
    std::swap(token_, other.token_);
    return *this;
  }
  ~TokenRef() {
    if (token_ != nullptr && --token_->references_ == 0) {
      VerifiedToken::Free(token_);
    }
  }

  const VerifiedToken* get() const { return token_; }
  const VerifiedToken* operator->() const { return token_; }
  const VerifiedToken& operator*() const { return *token_; }
  explicit operator bool() const { return token_ != nullptr; }

 private:
  friend class TokenCache;
  VerifiedToken* token_ = nullptr;
};

}  // namespace gatehouse::filters
