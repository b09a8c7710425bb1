// SPDX-License-Identifier: Apache-2.0
// A value that is replaced now and then, and read all the time by many threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace gatehouse {

// Any thread. What is published is never changed; the last one who holds it frees it.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> value = nullptr) : value_(std::move(value)) {}

  void Publish(std::shared_ptr<const T> value) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(value);
      version_.fetch_add(1, std::memory_order_release);
    }
    // What was there before goes without the lock.
  }
  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  // Grows with each Publish().
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // One thread's own view: looks for a newer value by one load, and locks only when there is one.
  class Reader {
   public:
    // The newest value, null when there is none; valid until the next call.
    const T* Get(const Published& source) {
      const uint64_t version = source.version();
      if (version != version_) {
        version_ = version;
        value_ = source.Get();
      }
      return value_.get();
    }
    const std::shared_ptr<const T>& held() const { return value_; }

   private:
    uint64_t version_ = UINT64_MAX;
    std::shared_ptr<const T> value_;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<uint64_t> version_{0};
};

}  // namespace gatehouse
