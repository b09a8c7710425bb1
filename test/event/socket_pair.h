// SPDX-License-Identifier: Apache-2.0
// A Socket under test and the plain descriptor at its other end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "source/event/socket.h"
#include "test/event/loop_wait.h"

namespace gatehouse::event {

inline SocketAddress Loopback(uint16_t port = 0) {
  return SocketAddress::FromIp(*ParseIp("127.0.0.1"), port);
}

// A listening TCP socket on a free port; closes with the object.
struct TcpListener {
  TcpListener() {
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const SocketAddress any = Loopback();
    EXPECT_EQ(bind(fd, any.data(), any.length), 0);
    EXPECT_EQ(listen(fd, 16), 0);
    address.length = sizeof(address.storage);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  }
  ~TcpListener() { close(fd); }
  int fd = -1;
  SocketAddress address;
};

// A blocking client connected to `address`.
inline int ConnectTo(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, address.data(), address.length), 0);
  return fd;
}

// Records what a Socket says; `on_event` and `on_drained` run after that.
struct SocketEnd final : Socket::Handler, Ready {
  SocketEnd(Loop& loop, BufferPool& pool) : loop(loop), socket(loop, pool, *this) {}

  void QueueSocketEvent() override { loop.Queue(*this); }
  void OnReady() override { OnSocketEvent(); }

  void OnSocketEvent() override {
    ++events;
    if (on_event) {
      on_event();
    }
  }
  void OnSocketDrained() override {
    ++drained;
    if (on_drained) {
      on_drained();
    }
  }
  // Reads with a buffer of `size` until the socket says that there is no more.
  Socket::ReadState ReadAll(size_t size = 4096) {
    std::string buffer(size, '\0');
    for (;;) {
      const Socket::ReadResult result = socket.Read(buffer.data(), size);
      input.append(buffer, 0, result.bytes);
      if (result.state != Socket::ReadState::kMore) {
        return result.state;
      }
    }
  }

  Loop& loop;
  Socket socket;
  std::function<void()> on_event;
  std::function<void()> on_drained;
  std::string input;
  int events = 0;
  int drained = 0;
};

// A connected pair, over TCP or a unix socket.
struct SocketTest : testing::Test {
  explicit SocketTest(bool tcp = true) {
    if (tcp) {
      TcpListener listener;
      peer = ConnectTo(listener.address);
      const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      end_fd = fd;
      end.socket.Adopt(fd);
    } else {
      int fds[2];
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
      EXPECT_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
      end_fd = fds[0];
      end.socket.Adopt(fds[0]);
      peer = fds[1];
    }
  }
  ~SocketTest() override { ClosePeer(); }

  void PeerSends(std::string_view text) {
    ASSERT_EQ(send(peer, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void ClosePeer() {
    if (peer >= 0) {
      close(peer);
      peer = -1;
    }
  }
  void ResetPeer() {
    const linger now{1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ClosePeer();
  }
  // What the peer receives without waiting.
  std::string PeerReceives(size_t most = 1 << 20) {
    std::string out(most, '\0');
    const ssize_t n = recv(peer, out.data(), most, MSG_DONTWAIT);
    out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return out;
  }

  Loop loop{"test"};
  LoopWait wait{loop};
  BufferPool pool;
  SocketEnd end{loop, pool};
  int peer = -1;
  int end_fd = -1;  // Of `end`'s socket.
};

}  // namespace gatehouse::event
