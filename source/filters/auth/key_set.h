// SPDX-License-Identifier: Apache-2.0
// API keys by their SHA-256 digests, and whose they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/digest.h"
#include "source/config/object.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

// A key as it is configured.
struct KeyEntry {
  Sha256Digest digest{};
  std::string name;  // The consumer's: several keys may have one.
  std::vector<std::string> groups;
  std::vector<std::pair<std::string, std::string>> attributes;
  WallTime expires = WallTime::max();
  config::Value at;  // While it is being loaded.
};

struct Key {
  Sha256Digest digest;
  WallTime expires;
  observe::Identity identity;
};

// Immutable; any thread. A handful of allocations, however many keys there are.
class KeySet {
 public:
  // `filter`, the filter's name, outlives the set. Digests are unique.
  KeySet(std::span<const KeyEntry> entries, std::string_view filter);
  KeySet(const KeySet&) = delete;
  KeySet& operator=(const KeySet&) = delete;

  // Null when there is none. Who asks has the digest of something: it can't be steered, so neither
  // can the number of steps.
  const Key* Find(const Sha256Digest& digest) const;
  size_t size() const { return keys_.size(); }
  size_t bytes() const;

 private:
  size_t HomeOf(const Sha256Digest& digest) const;
  std::string_view Text(std::string_view text);

  std::string text_;  // All names and values, one after the other.
  std::vector<std::string_view> groups_;
  std::vector<observe::IdentityValue> attributes_;
  std::vector<Key> keys_;
  std::vector<uint32_t>
      slots_;  // Index + 1 into keys_; 0: free. Open addressing, at most half full.
};

// The keys of a list: {name: acme, sha256: HEX, groups: [...], attributes: {...}, expires: TIME}.
// What is wrong is reported, a digest that appears twice included.
std::vector<KeyEntry> LoadKeys(const config::Value& list);

// Reports those of `more` that `keys` has, and appends the others.
void AppendKeys(std::vector<KeyEntry>& keys, std::vector<KeyEntry> more);

}  // namespace gatehouse::filters
