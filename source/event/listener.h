// SPDX-License-Identifier: Apache-2.0
// Listening sockets and who accepts from them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/error.h"
#include "source/event/address.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// The sockets of one address: a fixed number, SO_REUSEPORT, so that the kernel spreads connections
// over workers. Owned by the server; accepting on them is lent to Acceptors. Control thread.
class ListeningSockets {
 public:
  enum class Sharing : uint8_t { kRefuse, kAllow };

  // Binds `count` sockets. Refuses an address where somebody listens already, which SO_REUSEPORT
  // alone would not; with kAllow only who listens without SO_REUSEPORT counts: for an address that
  // overlaps with one of this process. Port 0 picks a free one, the same for all.
  static Result<std::unique_ptr<ListeningSockets>> Bind(const SocketAddress& address, size_t count,
                                                        Sharing sharing = Sharing::kRefuse);
  ~ListeningSockets();
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;

  const SocketAddress& address() const { return address_; }
  const std::vector<int>& fds() const { return fds_; }

 private:
  ListeningSockets() = default;
  // Removes the socket file, unless somebody has put another one there.
  void RemoveFile() const;

  SocketAddress address_;
  std::vector<int> fds_;
  // The identity of a unix socket's file once it is ours.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Accepts on one listening descriptor, on one loop. Does not own the descriptor.
class Acceptor final : private Deadline {
 public:
  class Handler {
   public:
    // A new connection, non-blocking and close-on-exec; the handler owns `fd`. It may Drain() the
    // acceptor, not destroy it.
    virtual void OnAccept(int fd, const SocketAddress& peer) = 0;
    // accept() failed for want of descriptors or memory, or the socket is broken; it is tried again
    // shortly.
    virtual void OnAcceptError(int error) = 0;
    // How many connections are taken before the loop looks at others.
    virtual int accepts_per_turn() const { return 64; }

   protected:
    ~Handler() = default;
  };

  Acceptor(Loop& loop, int listening_fd, Handler& handler);
  // Takes what is still queued, and stops. To stop without, destroy it.
  void Drain();

 private:
  // Accepts at most `most` connections; the errno that stopped it, or 0.
  int AcceptUpTo(int most);
  void OnReadable();
  void OnDeadline() override;

  Loop& loop_;
  int fd_;
  Handler& handler_;
  EventPtr event_;
};

}  // namespace gatehouse::event
