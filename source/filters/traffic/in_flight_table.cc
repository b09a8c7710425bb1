// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/in_flight_table.h"

namespace gatehouse::filters {
namespace {

constexpr unsigned kCountBits = 24;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;

uint64_t CountIn(uint64_t word) { return word & kCountMask; }
// The key's lower bits on top of the count: the upper ones choose the set.
uint64_t TagOf(uint64_t key) { return key << kCountBits; }
uint64_t TagIn(uint64_t word) { return word & ~kCountMask; }

}  // namespace

InFlightTable::InFlightTable(uint64_t max_keys)
    : max_keys_(max_keys),
      sets_count_(max_keys / (kWays / 4) + 1),
      sets_(std::make_unique<Set[]>(sets_count_)) {}

InFlightTable::Set& InFlightTable::SetOf(uint64_t key) const {
  return sets_[static_cast<size_t>(static_cast<unsigned __int128>(key) * sets_count_ >> 64)];
}

InFlightTable::Outcome InFlightTable::Enter(uint64_t key, uint64_t max) {
  constexpr int kMostTries = 64;
  Set& set = SetOf(key);
  const uint64_t tag = TagOf(key);
  // A free slot is 0, so the slot of a key is one with its tag and a count.
  const auto own = [&](uint64_t word) { return CountIn(word) != 0 && TagIn(word) == tag; };
  for (int tries = 0; tries < kMostTries; ++tries) {
    std::atomic<uint64_t>* slot = nullptr;
    uint64_t seen = 0;
    for (size_t i = 0; i < kWays; ++i) {
      std::atomic<uint64_t>& one = set.words[(key + i) % kWays];
      const uint64_t word = one.load();
      if (own(word) || (word == 0 && slot == nullptr)) {
        slot = &one;
        seen = word;
      }
      if (own(word)) {
        break;
      }
    }
    if (slot == nullptr) {
      return {.allowed = true};
    }
    if (CountIn(seen) >= max) {
      return {.allowed = false, .count = CountIn(seen)};
    }
    if (!slot->compare_exchange_strong(seen, (seen | tag) + 1)) {
      continue;
    }
    bool twice = false;
    for (std::atomic<uint64_t>& one : set.words) {
      twice = twice || (seen == 0 && &one != slot && own(one.load()));
    }
    if (!twice) {
      return {.allowed = true, .permit = Permit(slot), .count = CountIn(seen) + 1};
    }
    Leave(Permit(slot));
  }
  return {.allowed = true};
}

void InFlightTable::Leave(Permit permit) {
  if (!permit.holds()) {
    return;
  }
  uint64_t seen = permit.slot_->load();
  while (!permit.slot_->compare_exchange_weak(seen, CountIn(seen) == 1 ? 0 : seen - 1)) {
  }
}

uint64_t InFlightTable::Count(uint64_t key) const {
  for (const std::atomic<uint64_t>& one : SetOf(key).words) {
    const uint64_t word = one.load();
    if (CountIn(word) != 0 && TagIn(word) == TagOf(key)) {
      return CountIn(word);
    }
  }
  return 0;
}

InFlightTable::Totals InFlightTable::CountAll() const {
  Totals out;
  for (uint64_t i = 0; i < sets_count_; ++i) {
    for (const std::atomic<uint64_t>& word : sets_[i].words) {
      const uint64_t count = CountIn(word.load(std::memory_order_relaxed));
      out.keys += count != 0 ? 1 : 0;
      out.requests += count;
    }
  }
  return out;
}

}  // namespace gatehouse::filters
