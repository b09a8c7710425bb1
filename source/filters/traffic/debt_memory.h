// SPDX-License-Identifier: Apache-2.0
// What keys owed that have lost their slot in a GcraTable, until it is paid.
//
// Each debt is in one of four cells that its key may use, under 24 bits of the key's hash. Where
// all four hold debts of others, two of them share a cell, which then stands for anybody: a new key
// that may use it starts as deep in debt as the deepest of them, but with room for its first
// request.
//
// So a key that has lost its slot never comes back with a whole burst (unless that is one request),
// and other keys are refused by it with a probability below 4 / 2^24 at the most; as long as no
// cells are shared, they don't notice it at all otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace gatehouse::filters {

// Times are ticks of a Pace. Any thread.
class DebtMemory {
 public:
  // At 8 bytes each.
  explicit DebtMemory(uint64_t cells);

  // `key` owes until `time`, which is after `now`.
  void Remember(uint64_t key, uint64_t time, uint64_t now);
  // `key` is kept elsewhere again: what it owed until before `time` need not be known here.
  void Forget(uint64_t key, uint64_t time);
  // Until when `key` owes; 0: nothing is known. What may be somebody else's debt counts up to
  // now + `most`.
  uint64_t Recall(uint64_t key, uint64_t now, uint64_t most) const;

 private:
  static constexpr size_t kChoices = 4;
  std::array<std::atomic<uint64_t>*, kChoices> CellsOf(uint64_t key) const;

  const unsigned shift_;  // 64 less the bits of a cell's index.
  const std::unique_ptr<std::atomic<uint64_t>[]> cells_;
  std::atomic<uint64_t> latest_{0};  // All debts are paid then.
};

}  // namespace gatehouse::filters
