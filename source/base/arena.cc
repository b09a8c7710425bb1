// SPDX-License-Identifier: Apache-2.0
#include "source/base/arena.h"

#include <algorithm>

namespace gatehouse {

ArenaPool::~ArenaPool() {
  while (idle_ != nullptr) {
    Chunk* chunk = idle_;
    idle_ = chunk->next;
    ::operator delete(chunk);
  }
}

ArenaPool::Chunk* ArenaPool::Take(size_t bytes) {
  if (bytes <= kChunkBytes && idle_ != nullptr) {
    Chunk* chunk = idle_;
    idle_ = chunk->next;
    --idle_count_;
    return chunk;
  }
  const size_t size = std::max(bytes, kChunkBytes);
  auto* chunk = static_cast<Chunk*>(::operator new(size));
  chunk->bytes = size;
  return chunk;
}

void ArenaPool::Give(Chunk* chunk) {
  if (chunk->bytes != kChunkBytes || idle_count_ >= kMaxIdleChunks) {
    ::operator delete(chunk);
    return;
  }
  chunk->next = idle_;
  idle_ = chunk;
  ++idle_count_;
}

void* Arena::AllocateInNewChunk(size_t rounded) {
  constexpr size_t kHeader =
      (sizeof(ArenaPool::Chunk) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
  ArenaPool::Chunk* chunk = pool_.Take(rounded + kHeader);
  chunk->next = chunks_;
  chunks_ = chunk;
  bytes_ += chunk->bytes;
  char* start = reinterpret_cast<char*>(chunk) + kHeader;
  const size_t usable = chunk->bytes - kHeader;
  // A block of its own for something large must not throw away what is left of the current one.
  if (usable - rounded > left_) {
    next_ = start + rounded;
    left_ = usable - rounded;
  }
  return start;
}

void Arena::Register(void* object, void (*destroy)(void*)) {
  auto* cleanup = static_cast<Cleanup*>(Allocate(sizeof(Cleanup)));
  *cleanup = {cleanups_, object, destroy};
  cleanups_ = cleanup;
}

void Arena::Reset() {
  while (cleanups_ != nullptr) {
    Cleanup* cleanup = cleanups_;
    cleanups_ = cleanup->next;
    cleanup->destroy(cleanup->object);
  }
  while (chunks_ != nullptr) {
    ArenaPool::Chunk* chunk = chunks_;
    chunks_ = chunk->next;
    pool_.Give(chunk);
  }
  next_ = nullptr;
  left_ = 0;
  bytes_ = 0;
}

}  // namespace gatehouse
