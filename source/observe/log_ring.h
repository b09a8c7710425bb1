// SPDX-License-Identifier: Apache-2.0
// Lines on their way from one thread to another: a ring of bytes without locks.
//
// One thread pushes, one takes. Positions only grow; their difference is what is waiting. Memory is
// reserved when the ring is made and becomes real page by page, as it is written.
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gatehouse::observe {

class LogRing {
 public:
  // `capacity` is a power of two. Null when the memory can't be had.
  static std::unique_ptr<LogRing> Make(size_t capacity);
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // Producer: appends all of `line`, or nothing and returns false when there is no room.
  // `*waiting` is how many bytes wait afterwards, at most.
  bool Push(std::string_view line, size_t* waiting);

  // Consumer: what waits, in at most two pieces; returns how many.
  int Peek(std::array<iovec, 2>& pieces) const;
  // Consumer: gives the first `bytes` of it back to the producer.
  void Pop(size_t bytes);

  // Any thread.
  size_t capacity() const { return mask_ + 1; }
  size_t waiting() const {
    return head_.load(std::memory_order_acquire) - tail_.load(std::memory_order_acquire);
  }

 private:
  LogRing(char* data, size_t capacity) : data_(data), mask_(capacity - 1) {}

  static constexpr size_t kCacheLine = 64;
  char* const data_;
  const size_t mask_;
  alignas(kCacheLine) std::atomic<size_t> head_{0};  // Written by the producer.
  alignas(kCacheLine) std::atomic<size_t> tail_{0};  // Written by the consumer.
};

}  // namespace gatehouse::observe
