// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_ring.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::observe {

std::unique_ptr<LogRing> LogRing::Make(size_t capacity) {
  void* data = mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return nullptr;
  }
  return std::unique_ptr<LogRing>(new LogRing(static_cast<char*>(data), capacity));
}

LogRing::~LogRing() { munmap(data_, capacity()); }

bool LogRing::Push(std::string_view line, size_t* waiting) {
  const size_t head = head_.load(std::memory_order_relaxed);
  const size_t used = head - tail_.load(std::memory_order_acquire);
  if (line.size() > capacity() - used) {
    *waiting = used;
    return false;
  }
  const size_t at = head & mask_;
  const size_t first = std::min(line.size(), capacity() - at);
  std::memcpy(data_ + at, line.data(), first);
  std::memcpy(data_, line.data() + first, line.size() - first);
  head_.store(head + line.size(), std::memory_order_release);
  *waiting = used + line.size();
  return true;
}

int LogRing::Peek(std::array<iovec, 2>& pieces) const {
  const size_t tail = tail_.load(std::memory_order_relaxed);
  const size_t size = head_.load(std::memory_order_acquire) - tail;
  const size_t at = tail & mask_;
  const size_t first = std::min(size, capacity() - at);
  pieces = {iovec{data_ + at, first}, iovec{data_, size - first}};
  return size == 0 ? 0 : first < size ? 2 : 1;
}

void LogRing::Pop(size_t bytes) {
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace gatehouse::observe
