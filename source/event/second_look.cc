// SPDX-License-Identifier: Apache-2.0
#include "source/event/second_look.h"

#include "source/event/socket.h"

namespace gatehouse::event {

uint32_t SecondLook::Add(Socket& socket) {
  sockets_.push_back(&socket);
  if (!armed()) {
    deadlines_.ArmAfter(*this, kWait);
  }
  return static_cast<uint32_t>(sockets_.size() - 1);
}

void SecondLook::OnDeadline() {
  // A look may close this socket or others, and add new ones at the end.
  const size_t count = sockets_.size();
  for (size_t i = 0; i < count; ++i) {
    Socket* const socket = sockets_[i];
    if (socket != nullptr && !socket->ReadSinceLastLook()) {
      sockets_[i] = nullptr;
      socket->LookAgain();
    }
  }
  size_t kept = 0;
  for (Socket* socket : sockets_) {
    if (socket != nullptr) {
      socket->look_place_ = static_cast<uint32_t>(kept);
      sockets_[kept++] = socket;
    }
  }
  sockets_.resize(kept);
  if (kept == 0) {
    sockets_.shrink_to_fit();
  } else {
    deadlines_.ArmAfter(*this, kWait);
  }
}

}  // namespace gatehouse::event
