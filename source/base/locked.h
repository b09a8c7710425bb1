// SPDX-License-Identifier: Apache-2.0
// A value that threads change in turn: for what is seldom touched, never on a request's way.
#pragma once

#include <mutex>
#include <utility>

namespace gatehouse {

// Any thread.
template <typename T>
class Locked {
 public:
  Locked() = default;
  explicit Locked(T value) : value_(std::move(value)) {}

  // What `use(value)` returns, which must not refer to the value. `use` may not come back here.
  template <typename Use>
  auto With(Use use) {
    const std::lock_guard lock(mutex_);
    return use(value_);
  }
  template <typename Use>
  auto With(Use use) const {
    const std::lock_guard lock(mutex_);
    return use(value_);
  }
  // The same without waiting: false, and nothing is done, while another thread is at it.
  template <typename Use>
  bool Try(Use use) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) {
      use(value_);
    }
    return lock.owns_lock();
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace gatehouse
