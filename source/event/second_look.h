// SPDX-License-Identifier: Apache-2.0
// A second look at sockets that were drained by a short read.
//
// libevent reports a reset as if input had come and hides that the peer is gone. When bytes and the
// reset came together, a short read leaves the reset unseen, and no edge follows: one look a moment
// after the last read finds it.
#pragma once

#include <cstdint>
#include <vector>

#include "source/event/deadline.h"

namespace gatehouse::event {

class Socket;

// The sockets of one loop that wait for their look. Loop thread only.
class SecondLook final : private Deadline {
 public:
  explicit SecondLook(DeadlineWheel& deadlines) : deadlines_(deadlines) {}

  // `socket` will be looked at between kWait and twice that from its last read, of which it keeps
  // note. Returns its place, for Forget().
  uint32_t Add(Socket& socket);
  void Forget(uint32_t place) { sockets_[place] = nullptr; }

 private:
  static constexpr Duration kWait = std::chrono::milliseconds(100);
  void OnDeadline() override;

  DeadlineWheel& deadlines_;
  std::vector<Socket*> sockets_;  // Null: closed meanwhile.
};

}  // namespace gatehouse::event
