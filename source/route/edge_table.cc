// SPDX-License-Identifier: Apache-2.0
#include "source/route/edge_table.h"

#include <algorithm>
#include <utility>

namespace gatehouse::route {

uint32_t EdgeTable::FindOrAdd(uint32_t from, std::string_view label) {
  const uint32_t known = Find(from, label);
  if (known != kNone) {
    return known;
  }
  if ((used_ + 1) * 10 > slots_.size() * 7) {
    Grow();
  }
  const uint64_t hash = Hash(from, label);
  Slot slot;
  slot.label = label.data();
  slot.length = static_cast<uint32_t>(label.size());
  slot.tag = static_cast<uint32_t>(hash >> 32);
  slot.from = from;
  slot.to = next_node_++;
  Insert(slot, hash);
  ++used_;
  return slot.to;
}

void EdgeTable::Insert(const Slot& slot, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].to != kNone) {
    at = (at + 1) & mask;
  }
  slots_[at] = slot;
}

void EdgeTable::Grow() {
  std::vector<Slot> old(std::max<size_t>(8, slots_.size() * 2));
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.to != kNone) {
      Insert(slot, Hash(slot.from, {slot.label, slot.length}));
    }
  }
}

}  // namespace gatehouse::route
