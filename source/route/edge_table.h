// SPDX-License-Identifier: Apache-2.0
// All edges of all trees of a route index in one flat hash table: (node, label) leads to a node.
//
// One table instead of a map in each node: an edge costs 24 bytes at a load of 0.35 to 0.7, a step
// costs one probe however many children a node has, and nothing is allocated to look one up. Slots
// are kept in the order of how far they are from home (Robin Hood hashing), so that no key is
// unlucky and a miss ends as soon as a hit. Keys come from configuration, so a client can't make
// them collide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace gatehouse::route {

class EdgeTable {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // New nodes are numbered from `first_node` on.
  explicit EdgeTable(uint32_t first_node) : next_node_(first_node) {}

  // Where `label` leads from `from`, a new node if need be. The bytes of `label` must outlive the
  // table.
  uint32_t FindOrAdd(uint32_t from, std::string_view label);

  // Where `label` leads from `from`, or kNone.
  uint32_t Find(uint32_t from, std::string_view label) const {
    if (slots_.empty()) {
      return kNone;
    }
    const uint32_t hash = Hash(from, label);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask, distance = 0;; at = (at + 1) & mask, ++distance) {
      const Slot& slot = slots_[at];
      if (slot.Is(from, hash, label)) {
        return slot.to;
      }
      if (slot.to == kNone || ((at - slot.hash) & mask) < distance) {
        return kNone;
      }
    }
  }

  // One more than the highest node.
  uint32_t node_count() const { return next_node_; }

 private:
  struct Slot {
    const char* label = nullptr;
    uint32_t length = 0;
    uint32_t hash = 0;
    uint32_t from = 0;
    uint32_t to = kNone;  // kNone: a free slot.

    bool Is(uint32_t node, uint32_t wanted, std::string_view text) const {
      return hash == wanted && from == node && length == text.size() && to != kNone &&
             std::memcmp(label, text.data(), text.size()) == 0;
    }
  };

  // Two multiplications for labels of up to eight bytes, one more for each eight.
  static uint32_t Hash(uint32_t from, std::string_view label);
  static uint64_t Mix(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  void Insert(Slot slot);
  void Grow();

  std::vector<Slot> slots_;  // A power of two of them.
  size_t used_ = 0;
  uint32_t next_node_;
};

inline uint32_t EdgeTable::Hash(uint32_t from, std::string_view label) {
  constexpr uint64_t kFrom = 0x9e3779b97f4a7c15;
  constexpr uint64_t kStep = 0xd6e8feb86659fd93;
  constexpr uint64_t kEnd = 0xa0761d6478bd642f;
  uint64_t hash = (from + 1) * kFrom;
  const char* at = label.data();
  size_t left = label.size();
  uint64_t word = 0;
  for (; left > 8; at += 8, left -= 8) {
    std::memcpy(&word, at, 8);
    hash = Mix(hash ^ word, kStep);
  }
  word = 0;
  if (left >= 4) {  // Two overlapping halves instead of a loop over the bytes.
    uint32_t head;
    uint32_t tail;
    std::memcpy(&head, at, 4);
    std::memcpy(&tail, at + left - 4, 4);
    word = head | static_cast<uint64_t>(tail) << 32;
  } else if (left > 0) {
    word = static_cast<unsigned char>(at[0]) | static_cast<unsigned char>(at[left / 2]) << 8 |
           static_cast<unsigned char>(at[left - 1]) << 16;
  }
  return static_cast<uint32_t>(Mix(hash ^ word, kEnd ^ label.size()));
}

}  // namespace gatehouse::route
