// SPDX-License-Identifier: Apache-2.0
// Address blocks with what is known of each: a binary trie, of which every change makes a new
// version that shares all but the way to the change with the old one.
//
// So a reader goes on with the version it has while others are made, and adding one block to a
// hundred thousand costs a few allocations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "source/base/clock.h"
#include "source/base/ip.h"
#include "source/filters/security/cidr_set.h"

namespace gatehouse::filters {

// One block that somebody entered.
struct AccessEntry {
  Cidr block;
  bool allow = false;  // Else it is denied.
  std::string reason{};
  MonotonicTime expires = MonotonicTime::max();  // max(): never.
  WallTime added{};

  bool HasEnd() const { return expires != MonotonicTime::max(); }
};

// A version: immutable. Copies are cheap.
class EntryTrie {
 public:
  using Entry = std::shared_ptr<const AccessEntry>;

  EntryTrie() = default;

  bool empty() const { return root_ == nullptr; }
  // Of this very block, be it expired; null when there is none.
  const AccessEntry* Find(const Cidr& block) const;
  // Of the blocks around `address` that have not expired by `now`, what decides: one that denies,
  // and else one that allows; of several the smallest block. Null: there is none.
  const AccessEntry* Decide(const IpAddress& address, MonotonicTime now) const;
  // In the order of their addresses, larger blocks first, those that come after `after` (when it
  // is not null), until `visit` returns false.
  void Visit(const Cidr* after, const std::function<bool(const AccessEntry&)>& visit) const;

  [[nodiscard]] EntryTrie With(Entry entry) const;
  [[nodiscard]] EntryTrie Without(const Cidr& block) const;

 private:
  struct Node;
  using Link = std::shared_ptr<const Node>;
  struct Key {
    AddressNumber bits;
    uint32_t length;
  };
  static Key KeyOf(const Cidr& block) { return {NumberOf(block.base), block.prefix}; }
  static Link Insert(const Link& at, const Key& key, Entry entry);
  static Link Remove(const Link& at, const Key& key);
  static bool VisitFrom(const Node& node, const Key* after,
                        const std::function<bool(const AccessEntry&)>& visit);

  explicit EntryTrie(Link root) : root_(std::move(root)) {}

  Link root_;
};

}  // namespace gatehouse::filters
