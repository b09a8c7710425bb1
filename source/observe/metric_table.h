// SPDX-License-Identifier: Apache-2.0
// The numbers of one thread: cells that it alone writes and anyone may read. What it never touched
// takes no memory.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "source/base/clock.h"
#include "source/observe/histogram.h"

namespace gatehouse::observe {

// Names one series, or the first cell of a histogram, in every table. One that nobody defined
// counts where nobody looks.
struct MetricId {
  uint32_t index = 0;
};

// A histogram is a cell for each bucket, then the sum.
inline constexpr uint32_t kHistogramCells = kBuckets + 1;

class MetricTable {
 public:
  // A page. Series of one thing are never in two of them.
  static constexpr uint32_t kChunk = 512;
  static constexpr uint32_t kMaxCells = uint32_t{1} << 23;

  MetricTable();
  ~MetricTable();
  MetricTable(const MetricTable&) = delete;
  MetricTable& operator=(const MetricTable&) = delete;

  // What writes: the owner's thread. No locks, no atomic read-modify-write; memory only for the
  // first number in a chunk.
  void Add(MetricId id, int64_t amount = 1) { Raise(Cell(id), amount); }  // Gauges: also below 0.
  void Set(MetricId id, int64_t value) { Cell(id).store(value, std::memory_order_relaxed); }
  // `id`: a histogram's.
  void Observe(MetricId id, Duration duration) { Observe(&Cell(id), duration); }
  // The cell of `id` and, behind it, the others of its thing: for who writes several.
  std::atomic<int64_t>& Cell(MetricId id) {
    Chunk* chunk = chunks_[id.index / kChunk].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]] {
      chunk = MakeChunk(id.index / kChunk);
    }
    return (*chunk)[id.index % kChunk];
  }
  static void Raise(std::atomic<int64_t>& cell, int64_t amount) {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  static void Observe(std::atomic<int64_t>* histogram, Duration duration) {
    Raise(histogram[BucketOf(duration)], 1);
    std::atomic<int64_t>& sum = histogram[kBuckets];
    const auto seconds = std::bit_cast<double>(sum.load(std::memory_order_relaxed)) +
                         static_cast<double>(duration.count()) * 1e-9;
    sum.store(std::bit_cast<int64_t>(seconds), std::memory_order_relaxed);
  }

  // Any thread. Sums of histograms are the bits of a double, in seconds.
  int64_t Get(MetricId id) const;
  // Whether any of `count` cells from `first` on, all in one chunk, is not 0.
  bool Touched(MetricId first, uint32_t count) const;
  // Sets cells to 0 that nobody writes: their thing is gone, or has not come yet.
  void Clear(MetricId first, uint32_t count);

 private:
  using Chunk = std::array<std::atomic<int64_t>, kChunk>;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  const Chunk* ChunkOf(MetricId id) const {
    return chunks_[id.index / kChunk].load(std::memory_order_acquire);
  }
  Chunk* MakeChunk(uint32_t index);

  // From calloc: pages that hold only nulls are the kernel's zero page.
  std::unique_ptr<std::atomic<Chunk*>[], Free> chunks_;
};

}  // namespace gatehouse::observe
