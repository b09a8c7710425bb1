// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_trie.h"

#include <algorithm>
#include <array>
#include <bit>

namespace gatehouse::filters {
namespace {

constexpr uint32_t kBits = 128;

// How many bits from the front are the same in both, up to `limit`.
uint32_t Common(AddressNumber a, AddressNumber b, uint32_t limit) {
  const AddressNumber different = a ^ b;
  const auto high = static_cast<uint64_t>(different >> 64);
  const auto low = static_cast<uint64_t>(different);
  const auto same =
      static_cast<uint32_t>(high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low));
  return std::min(same, limit);
}

size_t BitAt(AddressNumber bits, uint32_t at) {
  return static_cast<size_t>(bits >> (kBits - 1 - at)) & 1;
}

AddressNumber First(AddressNumber bits, uint32_t length) {
  return length == 0 ? 0 : bits & (~AddressNumber{0} << (kBits - length));
}

}  // namespace

// Its links lead to blocks inside its own; without an entry it has both.
struct EntryTrie::Node {
  Key key;
  Entry entry;
  std::array<Link, 2> links;
};

EntryTrie EntryTrie::With(Entry entry) const {
  const Key key = KeyOf(entry->block);
  return EntryTrie(Insert(root_, key, std::move(entry)));
}

EntryTrie EntryTrie::Without(const Cidr& block) const {
  return EntryTrie(Remove(root_, KeyOf(block)));
}

// No deeper than there are bits, as are all that go down.
EntryTrie::Link EntryTrie::Insert(const Link& at, const Key& key, Entry entry) {
  auto made = std::make_shared<Node>();
  made->key = key;
  if (at == nullptr) {
    made->entry = std::move(entry);
    return made;
  }
  const uint32_t common = Common(at->key.bits, key.bits, std::min(at->key.length, key.length));
  if (common == at->key.length) {
    *made = *at;
    if (common == key.length) {
      made->entry = std::move(entry);
    } else {
      Link& link = made->links[BitAt(key.bits, common)];
      link = Insert(link, key, std::move(entry));
    }
    return made;
  }
  made->links[BitAt(at->key.bits, common)] = at;
  if (common == key.length) {
    made->entry = std::move(entry);
    return made;
  }
  made->key = {First(key.bits, common), common};
  made->links[BitAt(key.bits, common)] = Insert(nullptr, key, std::move(entry));
  return made;
}

EntryTrie::Link EntryTrie::Remove(const Link& at, const Key& key) {
  if (at == nullptr || at->key.length > key.length ||
      Common(at->key.bits, key.bits, at->key.length) != at->key.length) {
    return at;
  }
  auto made = std::make_shared<Node>(*at);
  if (at->key.length == key.length) {
    made->entry = nullptr;
  } else {
    Link& link = made->links[BitAt(key.bits, at->key.length)];
    Link next = Remove(link, key);
    if (next == link) {
      return at;
    }
    link = std::move(next);
  }
  if (made->entry == nullptr && (made->links[0] == nullptr || made->links[1] == nullptr)) {
    return made->links[made->links[0] == nullptr ? 1 : 0];
  }
  return made;
}

const AccessEntry* EntryTrie::Find(const Cidr& block) const {
  const Key key = KeyOf(block);
  const Node* node = root_.get();
  while (node != nullptr && node->key.length < key.length) {
    node = node->links[BitAt(key.bits, node->key.length)].get();
  }
  const bool found =
      node != nullptr && node->key.length == key.length && node->key.bits == key.bits;
  return found ? node->entry.get() : nullptr;
}

const AccessEntry* EntryTrie::Decide(const IpAddress& address, MonotonicTime now) const {
  const AddressNumber bits = NumberOf(address);
  const AccessEntry* found = nullptr;
  const Node* node = root_.get();
  while (node != nullptr && Common(node->key.bits, bits, node->key.length) == node->key.length) {
    const AccessEntry* const entry = node->entry.get();
    if (entry != nullptr && now < entry->expires &&
        (found == nullptr || found->allow || !entry->allow)) {
      found = entry;
    }
    node = node->key.length == kBits ? nullptr : node->links[BitAt(bits, node->key.length)].get();
  }
  return found;
}

void EntryTrie::Visit(const Cidr* after,
                      const std::function<bool(const AccessEntry&)>& visit) const {
  if (root_ == nullptr) {
    return;
  }
  if (after == nullptr) {
    VisitFrom(*root_, nullptr, visit);
  } else {
    const Key key = KeyOf(*after);
    VisitFrom(*root_, &key, visit);
  }
}

bool EntryTrie::VisitFrom(const Node& node, const Key* after,
                          const std::function<bool(const AccessEntry&)>& visit) {
  if (after != nullptr) {
    const AddressNumber last = node.key.length == kBits
                                   ? node.key.bits
                                   : node.key.bits | ~AddressNumber{0} >> node.key.length;
    if (last < after->bits) {
      return true;  // All of it comes before.
    }
  }
  const bool comes = after == nullptr || node.key.bits > after->bits ||
                     (node.key.bits == after->bits && node.key.length > after->length);
  if (comes && node.entry != nullptr && !visit(*node.entry)) {
    return false;
  }
  return std::all_of(node.links.begin(), node.links.end(), [&](const Link& link) {
    return link == nullptr || VisitFrom(*link, comes ? nullptr : after, visit);
  });
}

}  // namespace gatehouse::filters
