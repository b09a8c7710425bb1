// SPDX-License-Identifier: Apache-2.0
// Bytes on their way: appended at the end, consumed at the front, no memory while empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace gatehouse {

// Recycles the memory of buffers in power-of-two blocks. One per worker; not thread-safe. Must
// outlive its buffers.
class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  // A block of at least `bytes`; `*capacity` is what it holds.
  char* Take(size_t bytes, size_t* capacity);
  void Give(char* block, size_t capacity);

  // Frees what is kept for reuse.
  void Trim();

 private:
  static constexpr size_t kMinBytes = 1024;
  static constexpr size_t kBins = 9;  // 1 KiB to 256 KiB; larger blocks are not kept.
  static constexpr size_t kMaxIdleBytesPerBin = 1 << 20;
  struct Block {
    Block* next;
  };
  struct Bin {
    Block* idle = nullptr;
    size_t count = 0;
  };
  std::array<Bin, kBins> bins_;
};

// One contiguous growable run of bytes, less than 4 GiB of them. Views into it are valid until the
// next call that is not const. Not thread-safe.
class Buffer {
 public:
  explicit Buffer(BufferPool& pool) : pool_(&pool) {}
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Buffer() { Release(); }

  BufferPool& pool() const { return *pool_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::string_view view() const { return {data_ + begin_, size()}; }

  void Append(std::string_view bytes) {
    if (bytes.empty()) {
      return;
    }
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += static_cast<uint32_t>(bytes.size());
  }

  // Room for `bytes` more at the end; Commit() makes what was written part of the buffer.
  char* Reserve(size_t bytes) {
    if (capacity_ - end_ < bytes) [[unlikely]] {
      Grow(bytes);
    }
    return data_ + end_;
  }
  void Commit(size_t bytes) { end_ += static_cast<uint32_t>(bytes); }

  // Removes `bytes` from the front; the memory goes back to the pool with the last one.
  void Consume(size_t bytes) {
    if (bytes >= size()) {
      Release();
    } else {
      begin_ += static_cast<uint32_t>(bytes);
    }
  }

  // Removes what is beyond `bytes` from the end.
  void Truncate(size_t bytes) {
    if (bytes == 0) {
      Release();
    } else if (bytes < size()) {
      end_ = begin_ + static_cast<uint32_t>(bytes);
    }
  }

  // Empties the buffer and gives its memory back.
  void Release() {
    if (data_ != nullptr) {
      pool_->Give(data_, capacity_);
      data_ = nullptr;
      begin_ = end_ = capacity_ = 0;
    }
  }

 private:
  static constexpr size_t kMaxBytes = size_t{1} << 31;

  void Grow(size_t bytes);

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace gatehouse
