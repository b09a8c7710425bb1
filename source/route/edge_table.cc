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
  Slot slot;
  slot.label = label.data();
  slot.length = static_cast<uint32_t>(label.size());
  slot.hash = Hash(from, label);
  slot.from = from;
  slot.to = next_node_++;
  Insert(slot);
  ++used_;
  return slot.to;
}

void EdgeTable::Insert(Slot slot) {
  const size_t mask = slots_.size() - 1;
  for (size_t at = slot.hash & mask, distance = 0;; at = (at + 1) & mask, ++distance) {
    if (slots_[at].to == kNone) {
      slots_[at] = slot;
      return;
    }
    const size_t other = (at - slots_[at].hash) & mask;
    if (other < distance) {  // That one is nearer to its home: it moves on instead.
      std::swap(slots_[at], slot);
      distance = other;
    }
  }
}

void EdgeTable::Grow() {
  std::vector<Slot> old(std::max<size_t>(8, slots_.size() * 2));
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.to != kNone) {
      Insert(slot);
    }
  }
}

}  // namespace gatehouse::route
