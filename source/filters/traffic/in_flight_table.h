// SPDX-License-Identifier: Apache-2.0
// How many requests of each key are in flight, for all workers, in memory that is fixed.
//
// A key has eight slots that it may be in, all in one cache line; a slot is a word with 40 bits of
// the key's hash and the count, and is free again when its count is 0. Counting is one
// compare-and-swap; nothing locks, nothing allocates. Who finds all eight taken by others passes
// uncounted: the innocent are not turned away for lack of room.
//
// Two threads that see the same new key in the same instant, while another key leaves a slot
// between their looks, notice it and try again; only a third one that comes in between may pass in
// excess.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "source/filters/traffic/sip_hash.h"

namespace gatehouse::filters {

// Any thread.
class InFlightTable {
 public:
  static constexpr uint64_t kMostAtOnce = (uint64_t{1} << 24) - 2;

  // Room for four times as many, at 8 bytes each.
  explicit InFlightTable(uint64_t max_keys);

  // What is given back when the request is over; nothing: there is nothing to give back.
  class Permit {
   public:
    Permit() = default;
    bool holds() const { return slot_ != nullptr; }

   private:
    friend class InFlightTable;
    explicit Permit(std::atomic<uint64_t>* slot) : slot_(slot) {}
    std::atomic<uint64_t>* slot_ = nullptr;
  };
  struct Outcome {
    bool allowed = true;
    Permit permit{};     // Holds unless it is refused, or there is no room.
    uint64_t count = 0;  // In flight now, this one included.
  };
  // Lets a request of the key whose hash is `key` in, unless `max` (at least 1, at most
  // kMostAtOnce) are in flight.
  Outcome Enter(uint64_t key, uint64_t max);
  // Ends what holds; exactly once each.
  static void Leave(Permit permit);

  uint64_t Count(uint64_t key) const;  // Of one key.
  struct Totals {
    uint64_t keys = 0;
    uint64_t requests = 0;
  };
  Totals CountAll() const;  // Looks at all slots.

  uint64_t max_keys() const { return max_keys_; }
  const SipKey& secret() const { return secret_; }

 private:
  static constexpr size_t kWays = 8;
  struct alignas(64) Set {
    std::array<std::atomic<uint64_t>, kWays> words{};
  };
  Set& SetOf(uint64_t key) const;

  const uint64_t max_keys_;
  const uint64_t sets_count_;
  const SipKey secret_ = SipKey::Random();
  const std::unique_ptr<Set[]> sets_;
};

}  // namespace gatehouse::filters
