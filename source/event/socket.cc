// SPDX-License-Identifier: Apache-2.0
#include "source/event/socket.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "source/base/check.h"
#include "source/event/socket_calls.h"

namespace gatehouse::event {
Socket::~Socket() { Close(); }

void Socket::Adopt(int fd) {
  writable_ = true;
  Register(fd);
}

int Socket::Connect(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return errno;
  }
  if (address.family() != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  if (connect(fd, address.data(), address.length) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    return error;
  }
  connecting_ = true;
  Register(fd);
  return 0;
}

void Socket::Register(int fd) {
  fd_ = fd;
  error_ = 0;
  peer_closed_ = shutdown_wanted_ = room_wanted_ = false;
  static_assert(sizeof(struct event) == kEventBytes);
  const int assigned = event_assign(
      event(), loop_.base(), fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
      [](evutil_socket_t, short what, void* self) { static_cast<Socket*>(self)->OnEvent(what); },
      this);
  GATEHOUSE_CHECK(assigned == 0 && event_add(event(), nullptr) == 0,
                  "a descriptor can't be watched");
}

void Socket::OnEvent(short what) {
  loop_.UpdateNow();
  bool news = (what & (EV_READ | EV_CLOSED)) != 0;
  if (connecting_ && (what & (EV_WRITE | EV_CLOSED)) != 0) {
    connecting_ = false;
    news = true;
    socklen_t length = sizeof(error_);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_, &length);
  }
  if ((what & (EV_READ | EV_CLOSED)) != 0) {
    readable_ = true;
  }
  if ((what & EV_CLOSED) != 0) {
    peer_closed_ = true;
  }
  if ((what & EV_WRITE) != 0) {
    writable_ = true;
    if (pending() > 0 || shutdown_wanted_ || room_wanted_) {
      loop_.QueueFlush(*this);
    }
  }
  Loop& loop = loop_;
  if (news) {
    handler_.OnSocketEvent();
  }
  loop.RunFlushes();
}

Socket::ReadResult Socket::Read(char* into, size_t size) {
  if (!open()) {
    return {0, ReadState::kError};
  }
  if (size == 0) {
    return {0, readable_ ? ReadState::kMore : ReadState::kDrained};
  }
  if (sealed_ != nullptr) {
    return ReadSealed(into, size);
  }
  const ssize_t n = Receive(fd_, into, size);
  if (n > 0) {
    const auto bytes = static_cast<size_t>(n);
    NoteRead(bytes == size);
    return {bytes, readable_ ? ReadState::kMore : ReadState::kDrained};
  }
  return NothingRead(n);
}

// Short means drained; after a FIN only reading zero bytes does (the edge won't come again).
void Socket::NoteRead(bool all_that_was_asked) {
  readable_ = all_that_was_asked || peer_closed_;
  if (!readable_) {
    read_since_look_ = true;
    if (look_place_ == kNoLook) {
      look_place_ = loop_.second_look().Add(*this);
    }
  }
}

// After a call that returned 0 (FIN) or -1.
Socket::ReadResult Socket::NothingRead(ptrdiff_t result) {
  if (result == 0) {
    readable_ = false;
    peer_closed_ = true;
    return {0, ReadState::kEof};
  }
  if (errno == EINTR) {
    return {0, ReadState::kMore};
  }
  readable_ = false;
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    return {0, ReadState::kDrained};
  }
  error_ = errno;
  return {0, ReadState::kError};
}

bool Socket::LookForReset() {
  if (!open() || connecting_ || error_ != 0) {
    return error_ != 0;
  }
  pollfd look{fd_, 0, 0};
  if (poll(&look, 1, 0) > 0 && (look.revents & POLLERR) != 0) {
    socklen_t length = sizeof(error_);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_, &length);
  }
  return error_ != 0;
}

void Socket::Write(std::string_view bytes) {
  if (!open() || error_ != 0) {
    return;
  }
  loop_.QueueFlush(*this);
  if (bytes.size() < kDirectBytes || !writable_ || connecting_ || shaking_hands()) {
    out_.Append(bytes);
  } else if (sealed_ != nullptr) {
    SendSealed(bytes);
  } else {
    Send(bytes);
  }
}

void Socket::OnFlush() {
  if (!open() || error_ != 0 || connecting_) {
    return;
  }
  if (shutdown_wanted_ && sealed_ != nullptr && out_.empty()) {
    FinishLayer();
  }
  if (pending() > 0) {
    if (!writable_) {
      return;
    }
    if (sealed_ != nullptr) {
      SendSealed({});
    } else {
      Send({});
    }
    if (pending() > 0 || error_ != 0) {
      return;
    }
  }
  if (shutdown_wanted_) {
    if (sealed_ != nullptr && !sealed_->finished) {
      loop_.QueueFlush(*this);  // The layer's last word is due now.
      return;
    }
    shutdown_wanted_ = false;
    shutdown(fd_, SHUT_WR);
  }
  room_wanted_ = false;
  handler_.OnSocketDrained();
}

bool Socket::HasInput() {
  if (!open() || !readable_) {
    return false;
  }
  char byte = 0;
  const ssize_t n = recv(fd_, &byte, 1, MSG_PEEK);
  if (n > 0) {
    return true;
  }
  // Told again when it is read.
  const ReadState state = NothingRead(n).state;
  readable_ = state != ReadState::kDrained;
  return readable_;
}

Socket::ReadResult Socket::SpliceInto(Pipe& pipe, size_t most) {
  if (!open()) {
    return {0, ReadState::kError};
  }
  const ssize_t n = splice(fd_, nullptr, pipe.write_fd_, nullptr, most, SPLICE_F_NONBLOCK);
  if (n > 0) {
    // How much a pipe takes depends on how the bytes lie: short does not mean drained.
    pipe.held_ += static_cast<size_t>(n);
    readable_ = true;
    return {static_cast<size_t>(n), ReadState::kMore};
  }
  return NothingRead(n);
}

size_t Socket::SpliceFrom(Pipe& pipe) {
  if (!open() || error_ != 0) {
    return 0;
  }
  if (!out_.empty() && writable_) {
    Send({}, MSG_MORE);
  }
  size_t sent = 0;
  while (out_.empty() && writable_ && pipe.held_ > 0 && error_ == 0) {
    const ssize_t n =
        splice(pipe.read_fd_, nullptr, fd_, nullptr, pipe.held_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n > 0) {
      pipe.held_ -= static_cast<size_t>(n);
      sent += static_cast<size_t>(n);
      has_sent_ = true;
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      writable_ = false;
    } else if (n == 0 || errno != EINTR) {
      FailLater(n == 0 ? EPIPE : errno);
    }
  }
  room_wanted_ = pipe.held_ > 0;
  return sent;
}

void Socket::Send(std::string_view more, int flags) {
  const std::string_view held = out_.view();
  ssize_t sent = 0;
  if (more.empty()) {
    sent = SendBytes(fd_, held, MSG_NOSIGNAL | flags);
  } else {
    std::array<iovec, 2> parts{{{const_cast<char*>(held.data()), held.size()},
                                {const_cast<char*>(more.data()), more.size()}}};
    msghdr message{};
    message.msg_iov = held.empty() ? parts.data() + 1 : parts.data();
    message.msg_iovlen = held.empty() ? 1 : 2;
    sent = sendmsg(fd_, &message, MSG_NOSIGNAL | flags);
  }
  const bool interrupted = sent < 0 && errno == EINTR;
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && !interrupted) {
      FailLater(errno);
      return;
    }
    sent = 0;
  }
  const auto bytes = static_cast<size_t>(sent);
  has_sent_ = has_sent_ || bytes > 0;
  writable_ = interrupted || bytes == held.size() + more.size();
  if (interrupted) {
    loop_.QueueFlush(*this);
  }
  if (bytes >= held.size()) {
    const size_t taken = bytes - held.size();
    out_.Consume(held.size());
    out_.Append(more.substr(taken));
  } else {
    out_.Consume(bytes);
    out_.Append(more);
  }
}

void Socket::FailLater(int error) {
  error_ = error;
  readable_ = true;  // What the peer sent before may still be read.
  out_.Release();
  handler_.QueueSocketEvent();
}

bool Socket::ReadSinceLastLook() { return std::exchange(read_since_look_, false); }

void Socket::LookAgain() {
  look_place_ = kNoLook;
  if (readable_) {
    return;
  }
  pollfd look{fd_, POLLIN | POLLRDHUP, 0};
  if (poll(&look, 1, 0) > 0) {
    readable_ = true;
    peer_closed_ = peer_closed_ || (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    handler_.OnSocketEvent();
  }
}

void Socket::ShutdownWrite() {
  shutdown_wanted_ = true;
  loop_.QueueFlush(*this);
}

void Socket::Close(bool reset) {
  if (fd_ < 0) {
    return;
  }
  loop_.ForgetFlush(*this);
  if (look_place_ != kNoLook) {
    loop_.second_look().Forget(std::exchange(look_place_, kNoLook));
  }
  event_del(event());
  // A reset says that what was sent is not whole: a closure alert would say that it is.
  if (!reset && sealed_ != nullptr && error_ == 0 && pending() == 0 && !connecting_) {
    FinishLayer();
    const std::string_view wire = sealed_->wire.view();
    SendBytes(fd_, wire, MSG_NOSIGNAL);  // Who does not take it has lost nothing.
  }
  sealed_.reset();
  if (reset) {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  close(fd_);
  fd_ = -1;
  readable_ = writable_ = connecting_ = false;
  out_.Release();
}

}  // namespace gatehouse::event
