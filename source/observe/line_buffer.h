// SPDX-License-Identifier: Apache-2.0
// One line of text under construction, in memory that is used again for the next one.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace gatehouse::observe {

// Copies `bytes`, most often a few: without a call for up to 16.
inline void CopyShort(char* out, const char* in, size_t bytes) {
  if (bytes > 16) {
    std::memcpy(out, in, bytes);
  } else if (bytes >= 8) {
    uint64_t first, last;
    std::memcpy(&first, in, 8);
    std::memcpy(&last, in + bytes - 8, 8);
    std::memcpy(out, &first, 8);
    std::memcpy(out + bytes - 8, &last, 8);
  } else if (bytes >= 4) {
    uint32_t first, last;
    std::memcpy(&first, in, 4);
    std::memcpy(&last, in + bytes - 4, 4);
    std::memcpy(out, &first, 4);
    std::memcpy(out + bytes - 4, &last, 4);
  } else if (bytes > 0) {
    const char first = in[0], middle = in[bytes / 2], last = in[bytes - 1];
    out[0] = first;
    out[bytes / 2] = middle;
    out[bytes - 1] = last;
  }
}

// Grows when it must and keeps what it has, so that in steady state nothing is allocated.
class LineBuffer {
 public:
  void Clear() { size_ = 0; }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }

  // Room for `bytes` after the end; Commit() says up to where it was written.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]] {
      Grow(bytes);
    }
    return data_.get() + size_;
  }
  void Commit(const char* end) { size_ = static_cast<size_t>(end - data_.get()); }

  void Append(std::string_view text) {
    CopyShort(Room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void Append(char c) {
    *Room(1) = c;
    ++size_;
  }
  // Shortens to `size`, which must not exceed the present one.
  void Truncate(size_t size) { size_ = size; }

 private:
  void Grow(size_t bytes) {
    size_t capacity = capacity_ == 0 ? 1024 : capacity_ * 2;
    while (capacity - size_ < bytes) {
      capacity *= 2;
    }
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) {
      std::memcpy(data.get(), data_.get(), size_);
    }
    data_ = std::move(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// `value` in decimal at `out`, which has room for 20 digits; returns the end.
inline char* WriteUint(char* out, uint64_t value) {
  return std::to_chars(out, out + 20, value).ptr;
}

// `value`, below ten to the power of `digits`, with leading zeros.
inline char* WriteDigits(char* out, uint32_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

}  // namespace gatehouse::observe
