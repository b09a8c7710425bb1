// SPDX-License-Identifier: Apache-2.0
// Memory of one stream: bump allocation, freed all at once, chunks recycled by the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace gatehouse {

// Recycles arena chunks. One per worker; not thread-safe. Must outlive its arenas.
class ArenaPool {
 public:
  static constexpr size_t kChunkBytes = 4096;
  static constexpr size_t kMaxIdleChunks = 1024;

  ArenaPool() = default;
  ArenaPool(const ArenaPool&) = delete;
  ArenaPool& operator=(const ArenaPool&) = delete;
  ~ArenaPool();

 private:
  friend class Arena;
  struct Chunk {
    Chunk* next;
    size_t bytes;  // Of the whole block, this header included.
  };
  Chunk* Take(size_t bytes);
  void Give(Chunk* chunk);

  Chunk* idle_ = nullptr;
  size_t idle_count_ = 0;
};

// Allocates until Reset(). Objects made with New() are destroyed then, latest first.
class Arena {
 public:
  explicit Arena(ArenaPool& pool) : pool_(pool) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { Reset(); }

  // Uninitialised bytes, aligned for any object. Valid until Reset().
  void* Allocate(size_t bytes) {
    const size_t rounded =
        (bytes + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    if (rounded > left_) [[unlikely]] {
      return AllocateInNewChunk(rounded);
    }
    void* out = next_;
    next_ += rounded;
    left_ -= rounded;
    return out;
  }

  // A copy of `text` that lives until Reset().
  std::string_view Copy(std::string_view text) {
    if (text.empty()) {
      return {};
    }
    char* out = static_cast<char*>(Allocate(text.size()));
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  // The concatenation of `parts`, living until Reset().
  template <typename... Parts>
  std::string_view Concat(const Parts&... parts) {
    const size_t total = (std::string_view(parts).size() + ... + 0);
    char* out = static_cast<char*>(Allocate(total));
    char* at = out;
    // An empty view may be a null pointer, which memcpy doesn't take even for no bytes.
    [[maybe_unused]] const auto append = [&at](std::string_view part) {
      if (!part.empty()) {
        std::memcpy(at, part.data(), part.size());
        at += part.size();
      }
    };
    (append(std::string_view(parts)), ...);
    return {out, total};
  }

  template <typename T, typename... Args>
  T* New(Args&&... args) {
    T* object = new (Allocate(sizeof(T))) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) {
      Register(object, [](void* p) { static_cast<T*>(p)->~T(); });
    }
    return object;
  }

  // `count` objects as T() makes them; none of them needs a destructor.
  template <typename T>
  std::span<T> NewArray(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* const first = static_cast<T*>(Allocate(count * sizeof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  }

  // Destroys what New() made and gives all chunks back.
  void Reset();

  // Bytes handed out in chunks so far, for caps and accounting.
  size_t bytes() const { return bytes_; }

 private:
  struct Cleanup {
    Cleanup* next;
    void* object;
    void (*destroy)(void*);
  };
  void* AllocateInNewChunk(size_t rounded);
  void Register(void* object, void (*destroy)(void*));

  ArenaPool& pool_;
  ArenaPool::Chunk* chunks_ = nullptr;
  Cleanup* cleanups_ = nullptr;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

}  // namespace gatehouse
