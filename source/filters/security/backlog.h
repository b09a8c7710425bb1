// SPDX-License-Identifier: Apache-2.0
// What requests and admin calls leave to a filter's upkeep: what is to be counted, and what is to
// be freed where nobody waits.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "source/base/locked.h"
#include "source/base/published.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

// Any thread.
class Backlog {
 public:
  enum Tally : uint8_t {
    kBadLines,
    kEntriesAdded,
    kEntriesRemoved,
    kEntriesExpired,
    kEntriesRefused,
    kStateWrites,
    kStateFailures,
    kTallies,
  };

  void Count(Tally tally, int64_t amount = 1) {
    tallies_[tally].fetch_add(amount, std::memory_order_relaxed);
  }
  // What was counted since the last call.
  int64_t Take(Tally tally) { return tallies_[tally].exchange(0, std::memory_order_relaxed); }

  // Large things that a worker was the last to hold would hold it up.
  void Free(std::shared_ptr<const void> thing) {
    if (thing == nullptr) {
      return;
    }
    const std::shared_ptr<const pipeline::Waker> waker = waker_.Get();
    if (waker != nullptr) {
      things_.With([&](auto& things) { things.push_back(std::move(thing)); });
      waker->Wake();
    }
  }
  std::vector<std::shared_ptr<const void>> TakeThings() {
    return things_.With([](auto& things) { return std::exchange(things, {}); });
  }

  // Null: there is no upkeep, so nothing waits for it.
  void SetWaker(std::shared_ptr<const pipeline::Waker> waker) { waker_.Publish(std::move(waker)); }
  void Wake() const {
    if (const std::shared_ptr<const pipeline::Waker> waker = waker_.Get()) {
      waker->Wake();
    }
  }

 private:
  std::array<std::atomic<int64_t>, kTallies> tallies_{};
  Locked<std::vector<std::shared_ptr<const void>>> things_;
  Published<pipeline::Waker> waker_;
};

}  // namespace gatehouse::filters
