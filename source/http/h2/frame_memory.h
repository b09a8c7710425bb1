// SPDX-License-Identifier: Apache-2.0
// Memory for nghttp2: malloc's, but for the 16 KiB in which each session makes its frames. What is
// in there is sent before Flush() returns, so that all sessions of a thread share one such piece:
// an idle connection costs a third of what it would.
#pragma once

#include <nghttp2/nghttp2.h>

namespace gatehouse::http {

// One per session, which it outlives; the session lives on one thread.
class FrameMemory {
 public:
  FrameMemory() = default;
  FrameMemory(const FrameMemory&) = delete;
  FrameMemory& operator=(const FrameMemory&) = delete;

  // For nghttp2_session_server_new3() and its sibling.
  nghttp2_mem functions();

 private:
  struct Calls;
  void* lent_ = nullptr;  // The thread's piece, once nghttp2 has asked for it.
};

}  // namespace gatehouse::http
