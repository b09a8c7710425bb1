// SPDX-License-Identifier: Apache-2.0
#include "source/base/buffer.h"

#include <algorithm>

namespace gatehouse {

void Buffer::Grow(size_t bytes) {
  constexpr size_t kMinBytes = 1024;
  const size_t held = size();
  if (held + bytes <= capacity_ && begin_ >= held) {
    std::memcpy(data_.get(), data_.get() + begin_, held);
  } else {
    const size_t capacity = std::max({kMinBytes, held + bytes, capacity_ * 2});
    std::unique_ptr<char[]> grown(new char[capacity]);
    if (held > 0) {
      std::memcpy(grown.get(), data_.get() + begin_, held);
    }
    data_ = std::move(grown);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

}  // namespace gatehouse
