// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/debt_memory.h"

#include <algorithm>
#include <bit>

namespace gatehouse::filters {
namespace {

// A cell: 24 bits of the key, 0 for anybody's; below them the time in units of 65536 ticks.
constexpr unsigned kTimeBits = 40;
constexpr uint64_t kTimeMask = (uint64_t{1} << kTimeBits) - 1;
constexpr unsigned kUnitBits = 16;
constexpr uint64_t kAnybody = 0;

uint64_t OwnerOf(uint64_t cell) { return cell >> kTimeBits; }
uint64_t TimeOf(uint64_t cell) { return (cell & kTimeMask) << kUnitBits; }
uint64_t CellOf(uint64_t owner, uint64_t time) {
  const uint64_t units = (time + (uint64_t{1} << kUnitBits) - 1) >> kUnitBits;
  return owner << kTimeBits | std::min(units, kTimeMask);
}

// The key's lower bits: the table spends the upper ones.
uint64_t OwnerOfKey(uint64_t key) {
  constexpr uint64_t kMask = (uint64_t{1} << (64 - kTimeBits)) - 1;
  const uint64_t owner = key & kMask;
  return owner == kAnybody ? 1 : owner;
}

// How well a debt of `owner` would go into a cell: its own is best, then one whose debt is paid,
// then one that stands for anybody already, then the one that is paid first.
uint64_t Fitness(uint64_t cell, uint64_t owner, uint64_t now) {
  constexpr uint64_t kMost = ~uint64_t{0};
  return OwnerOf(cell) == owner      ? kMost
         : TimeOf(cell) <= now       ? kMost - 1
         : OwnerOf(cell) == kAnybody ? kMost - 2
                                     : kMost / 2 - TimeOf(cell);
}

void Raise(std::atomic<uint64_t>& value, uint64_t least) {
  uint64_t seen = value.load(std::memory_order_relaxed);
  while (seen < least && !value.compare_exchange_weak(seen, least, std::memory_order_acq_rel)) {
  }
}

}  // namespace

DebtMemory::DebtMemory(uint64_t cells)
    : shift_(static_cast<unsigned>(64 - std::bit_width(std::max<uint64_t>(cells, 64) - 1))),
      cells_(std::make_unique<std::atomic<uint64_t>[]>(size_t{1} << (64 - shift_))) {}

std::array<std::atomic<uint64_t>*, DebtMemory::kChoices> DebtMemory::CellsOf(uint64_t key) const {
  // Odd numbers without a pattern: each product spreads the key in another way.
  static constexpr std::array<uint64_t, kChoices> kFactors = {
      0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0xd6e8feb86659fd93};
  std::array<std::atomic<uint64_t>*, kChoices> out;
  for (size_t i = 0; i < kChoices; ++i) {
    out[i] = &cells_[static_cast<size_t>((key ^ key >> 32) * kFactors[i] >> shift_)];
  }
  return out;
}

void DebtMemory::Remember(uint64_t key, uint64_t time, uint64_t now) {
  constexpr int kMostTries = 16;
  const uint64_t owner = OwnerOfKey(key);
  const auto cells = CellsOf(key);
  Raise(latest_, time + (uint64_t{1} << kUnitBits));
  for (int tries = 0; tries < kMostTries; ++tries) {
    std::atomic<uint64_t>* best = nullptr;
    uint64_t seen = 0;
    for (std::atomic<uint64_t>* cell : cells) {
      const uint64_t one = cell->load(std::memory_order_acquire);
      if (best == nullptr || Fitness(one, owner, now) > Fitness(seen, owner, now)) {
        best = cell;
        seen = one;
      }
    }
    const bool alone = OwnerOf(seen) == owner || TimeOf(seen) <= now;
    const uint64_t next = CellOf(alone ? owner : kAnybody, std::max(time, TimeOf(seen)));
    if (best->compare_exchange_weak(seen, next, std::memory_order_acq_rel)) {
      return;
    }
  }
}

void DebtMemory::Forget(uint64_t key, uint64_t time) {
  const uint64_t owner = OwnerOfKey(key);
  for (std::atomic<uint64_t>* cell : CellsOf(key)) {
    uint64_t one = cell->load(std::memory_order_acquire);
    if (OwnerOf(one) == owner && TimeOf(one) < time) {
      cell->compare_exchange_strong(one, 0, std::memory_order_acq_rel);
    }
  }
}

uint64_t DebtMemory::Recall(uint64_t key, uint64_t now, uint64_t most) const {
  if (latest_.load(std::memory_order_acquire) <= now) {
    return 0;
  }
  const uint64_t owner = OwnerOfKey(key);
  uint64_t out = 0;
  for (const std::atomic<uint64_t>* cell : CellsOf(key)) {
    const uint64_t one = cell->load(std::memory_order_acquire);
    if (OwnerOf(one) == owner) {
      out = std::max(out, TimeOf(one));
    } else if (OwnerOf(one) == kAnybody) {
      out = std::max(out, std::min(TimeOf(one), now + most));
    }
  }
  return out > now ? out : 0;
}

}  // namespace gatehouse::filters
