// SPDX-License-Identifier: Apache-2.0
#include "source/observe/metric_table.h"

#include <algorithm>

#include "source/base/check.h"

namespace gatehouse::observe {
namespace {

constexpr size_t kChunks = MetricTable::kMaxCells / MetricTable::kChunk;

}  // namespace

MetricTable::MetricTable()
    : chunks_(
          static_cast<std::atomic<Chunk*>*>(std::calloc(kChunks, sizeof(std::atomic<Chunk*>)))) {
  GATEHOUSE_CHECK(chunks_ != nullptr, "memory for a worker's counters");
}

MetricTable::~MetricTable() {
  for (size_t i = 0; i < kChunks; ++i) {
    delete chunks_[i].load(std::memory_order_relaxed);
  }
}

MetricTable::Chunk* MetricTable::MakeChunk(uint32_t index) {
  auto* chunk = new Chunk{};
  chunks_[index].store(chunk, std::memory_order_release);
  return chunk;
}

int64_t MetricTable::Get(MetricId id) const {
  const Chunk* chunk = ChunkOf(id);
  return chunk == nullptr ? 0 : (*chunk)[id.index % kChunk].load(std::memory_order_relaxed);
}

bool MetricTable::Touched(MetricId first, uint32_t count) const {
  const Chunk* chunk = ChunkOf(first);
  if (chunk == nullptr) {
    return false;
  }
  const auto begin = chunk->begin() + first.index % kChunk;
  return std::any_of(begin, begin + count, [](const std::atomic<int64_t>& cell) {
    return cell.load(std::memory_order_relaxed) != 0;
  });
}

void MetricTable::Clear(MetricId first, uint32_t count) {
  Chunk* chunk = chunks_[first.index / kChunk].load(std::memory_order_acquire);
  for (uint32_t i = 0; chunk != nullptr && i < count; ++i) {
    (*chunk)[first.index % kChunk + i].store(0, std::memory_order_relaxed);
  }
}

}  // namespace gatehouse::observe
