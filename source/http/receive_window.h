// SPDX-License-Identifier: Apache-2.0
// How much of a response may come that nobody has taken yet: little at first, since that is what a
// stream costs whose client takes nothing, and more while all of it is being taken.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gatehouse::http {

class ReceiveWindow {
 public:
  static constexpr uint32_t kFirst = 16 * 1024;
  static constexpr uint32_t kMost = 256 * 1024;

  ReceiveWindow() = default;
  // One that begins with `bytes` where that is less, and never exceeds four times as many.
  explicit ReceiveWindow(uint32_t bytes)
      : bytes_(std::min(kFirst, bytes)), most_(std::min(kMost, bytes * 4)) {}

  uint32_t bytes() const { return bytes_; }

  // `bytes` have been taken, and `left` have not. Whether the window has grown by that.
  bool Take(size_t bytes, size_t left) {
    taken_ += static_cast<uint32_t>(bytes);
    if (left > 0 || taken_ < bytes_ || bytes_ >= most_) {
      return false;
    }
    taken_ = 0;
    bytes_ = std::min(bytes_ * 2, most_);
    return true;
  }

 private:
  uint32_t bytes_ = kFirst;
  uint32_t most_ = kMost;
  uint32_t taken_ = 0;  // Since it has grown.
};

}  // namespace gatehouse::http
