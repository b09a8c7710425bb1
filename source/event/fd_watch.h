// SPDX-License-Identifier: Apache-2.0
// Readiness of a descriptor that a library owns: level-triggered, with a callback.
#pragma once

#include <functional>
#include <memory>

#include "source/event/loop.h"

namespace gatehouse::event {

// Loop thread only. Destroy it before the descriptor is closed.
class FdWatch {
 public:
  using Callback = std::function<void(bool readable, bool writable)>;

  // Calls `ready` as long as `fd` is readable (if `read`) or writable (if `write`); errors and the
  // peer's end make it both. The callback may destroy the watch.
  FdWatch(Loop& loop, int fd, bool read, bool write, Callback ready);
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  void OnEvent(short what);

  Loop& loop_;
  std::shared_ptr<const Callback> ready_;  // Outlives the watch while it runs.
  EventPtr event_;
};

}  // namespace gatehouse::event
