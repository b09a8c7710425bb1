// SPDX-License-Identifier: Apache-2.0
#include "source/base/buffer.h"

#include <bit>

#include "source/base/check.h"

namespace gatehouse {

BufferPool::~BufferPool() { Trim(); }

char* BufferPool::Take(size_t bytes, size_t* capacity) {
  const size_t rounded = std::bit_ceil(bytes < kMinBytes ? kMinBytes : bytes);
  const size_t bin = static_cast<size_t>(std::countr_zero(rounded / kMinBytes));
  *capacity = rounded;
  if (bin < kBins && bins_[bin].idle != nullptr) {
    Block* block = bins_[bin].idle;
    bins_[bin].idle = block->next;
    --bins_[bin].count;
    return reinterpret_cast<char*>(block);
  }
  return static_cast<char*>(::operator new(rounded));
}

void BufferPool::Give(char* block, size_t capacity) {
  const size_t bin = static_cast<size_t>(std::countr_zero(capacity / kMinBytes));
  if (bin >= kBins || bins_[bin].count * capacity >= kMaxIdleBytesPerBin) {
    ::operator delete(block);
    return;
  }
  auto* kept = reinterpret_cast<Block*>(block);
  kept->next = bins_[bin].idle;
  bins_[bin].idle = kept;
  ++bins_[bin].count;
}

void BufferPool::Trim() {
  for (Bin& bin : bins_) {
    while (bin.idle != nullptr) {
      Block* block = bin.idle;
      bin.idle = block->next;
      ::operator delete(block);
    }
    bin.count = 0;
  }
}

void Buffer::Grow(size_t bytes) {
  const size_t held = size();
  GATEHOUSE_CHECK(held + bytes < kMaxBytes, "a buffer without a limit");
  if (held + bytes <= capacity_ && begin_ >= held) {
    std::memcpy(data_, data_ + begin_, held);
  } else {
    size_t capacity = 0;
    char* grown = pool_->Take(held + bytes, &capacity);
    if (held > 0) {
      std::memcpy(grown, data_ + begin_, held);
    }
    if (data_ != nullptr) {
      pool_->Give(data_, capacity_);
    }
    data_ = grown;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  begin_ = 0;
  end_ = static_cast<uint32_t>(held);
}

}  // namespace gatehouse
