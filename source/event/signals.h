// SPDX-License-Identifier: Apache-2.0
// HUP, TERM, INT, USR1 and USR2 as callbacks on a loop.
#pragma once

#include <functional>

#include "source/event/fd_watch.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// Loop thread only, but for Block().
class Signals {
 public:
  // Blocks those signals in the calling thread and in the threads it starts from then on, and
  // ignores SIGPIPE in the process. First thing in main(): a thread that was started before would
  // still be killed by them.
  static void Block();

  // Calls `received` with each signal that is blocked and arrives, earlier ones that nobody took
  // included. Several of the same kind may arrive as one. One object at a time.
  Signals(Loop& loop, std::function<void(int signal)> received);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void OnReadable();

  int fd_;
  std::function<void(int)> received_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace gatehouse::event
