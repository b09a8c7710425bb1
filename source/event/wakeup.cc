// SPDX-License-Identifier: Apache-2.0
#include "source/event/wakeup.h"

namespace gatehouse::event {

void Wakeup::Wake() {
  const std::lock_guard lock(mutex_);
  // Under the lock, so that the loop can't go meanwhile.
  if (loop_ != nullptr && !std::exchange(due_, true)) {
    loop_->Post([self = shared_from_this()] { self->Run(); });
  }
}

void Wakeup::Close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

void Wakeup::Run() {
  {
    const std::lock_guard lock(mutex_);
    due_ = false;
    if (loop_ == nullptr) {
      return;
    }
  }
  woken_();  // Close() is for this thread only: nobody closes it in between.
}

}  // namespace gatehouse::event
