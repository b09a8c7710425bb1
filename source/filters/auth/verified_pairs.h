// SPDX-License-Identifier: Apache-2.0
// Which passwords were found right not long ago, so that they need not be hashed again.
//
// What is kept is a keyed digest of user, password and stored hash: nothing that gives a password
// away without the key, and nothing that is good for another user or for a hash that has changed.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>

#include "source/base/clock.h"
#include "source/base/digest.h"

namespace gatehouse::filters {

// One worker's. The least recently used goes first.
class VerifiedPairs {
 public:
  VerifiedPairs(Duration ttl, size_t max_entries) : ttl_(ttl), max_entries_(max_entries) {}

  // Whether it was remembered less than the ttl ago. Without malloc.
  bool Knows(const Sha256Digest& digest, MonotonicTime now) {
    const auto at = by_digest_.find(digest);
    if (at == by_digest_.end()) {
      return false;
    }
    if (at->second->until <= now) {
      entries_.erase(at->second);
      by_digest_.erase(at);
      return false;
    }
    entries_.splice(entries_.begin(), entries_, at->second);
    return true;
  }

  void Remember(const Sha256Digest& digest, MonotonicTime now) {
    if (max_entries_ == 0) {
      return;
    }
    const auto at = by_digest_.find(digest);
    if (at != by_digest_.end()) {
      at->second->until = now + ttl_;
      return;
    }
    if (entries_.size() >= max_entries_) {
      by_digest_.erase(entries_.back().digest);
      entries_.pop_back();
    }
    entries_.push_front({digest, now + ttl_});
    by_digest_.emplace(digest, entries_.begin());
  }

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Sha256Digest digest;
    MonotonicTime until;
  };

  Duration ttl_;
  size_t max_entries_;
  std::list<Entry> entries_;  // The most recently used first.
  std::unordered_map<Sha256Digest, std::list<Entry>::iterator, DigestHash> by_digest_;
};

}  // namespace gatehouse::filters
