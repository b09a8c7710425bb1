// SPDX-License-Identifier: Apache-2.0
#include "source/observe/metric_cells.h"

#include <memory>

#include "source/base/check.h"
#include "source/observe/metric_table.h"

namespace gatehouse::observe {

static_assert(MetricCells::kNobodys == MetricTable::kChunk, "what nobody defined has a chunk");

MetricCells::~MetricCells() { TakeReturned(); }

uint32_t MetricCells::Take(uint32_t count) {
  constexpr uint32_t kChunk = MetricTable::kChunk;
  GATEHOUSE_CHECK(count > 0 && count <= kChunk, "a thing's series fit into a chunk");
  TakeReturned();
  if (std::vector<uint32_t>& same = free_[count]; !same.empty()) {
    const uint32_t first = same.back();
    same.pop_back();
    return first;
  }
  if (next_ % kChunk + count > kChunk) {
    next_ += kChunk - next_ % kChunk;
  }
  if (next_ + count > MetricTable::kMaxCells) {
    return 0;
  }
  next_ += count;
  return next_ - count;
}

void MetricCells::GiveBack(uint32_t first, uint32_t count) {
  if (first < kNobodys) {
    return;
  }
  auto* one = new Returned{first, count, returned_.load(std::memory_order_relaxed)};
  while (!returned_.compare_exchange_weak(one->next, one, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
}

void MetricCells::TakeReturned() {
  Returned* next = returned_.exchange(nullptr, std::memory_order_acquire);
  while (next != nullptr) {
    const std::unique_ptr<Returned> one(next);
    next = one->next;
    free_[one->count].push_back(one->first);
  }
}

}  // namespace gatehouse::observe
