// SPDX-License-Identifier: Apache-2.0
// Bytes on their way: appended at the end, consumed at the front, no memory while empty.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace gatehouse {

// One contiguous growable run of bytes. Views into it are valid until the next call that is not
// const. Not thread-safe.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) noexcept = default;

  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::string_view view() const { return {data_.get() + begin_, size()}; }

  void Append(std::string_view bytes) {
    if (bytes.empty()) {
      return;
    }
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  // Room for `bytes` more at the end; Commit() makes what was written part of the buffer.
  char* Reserve(size_t bytes) {
    if (capacity_ - end_ < bytes) {
      Grow(bytes);
    }
    return data_.get() + end_;
  }
  void Commit(size_t bytes) { end_ += bytes; }

  // Removes `bytes` from the front; the memory goes when the last one does.
  void Consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) {
      Release();
    }
  }

  // Empties the buffer and gives its memory back.
  void Release() {
    data_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void Grow(size_t bytes);

  std::unique_ptr<char[]> data_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace gatehouse
