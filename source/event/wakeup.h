// SPDX-License-Identifier: Apache-2.0
// A call on a loop that any thread may ask for, as long as it is wanted.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "source/event/loop.h"

namespace gatehouse::event {

// Held by shared pointers: those who wake may outlive the loop, once Close() has been called.
class Wakeup final : public std::enable_shared_from_this<Wakeup> {
 public:
  // Wake() calls `woken` on `loop`.
  Wakeup(Loop& loop, std::function<void()> woken) : loop_(&loop), woken_(std::move(woken)) {}
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Any thread. Several before the call runs are one call.
  void Wake();
  // Loop thread: nothing is called any more, and the loop may go. May be called by `woken`.
  void Close();

 private:
  void Run();

  std::mutex mutex_;  // Guards loop_ and due_.
  Loop* loop_;        // Null: closed.
  bool due_ = false;
  const std::function<void()> woken_;
};

}  // namespace gatehouse::event
