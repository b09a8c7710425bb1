// SPDX-License-Identifier: Apache-2.0
#include "source/event/listener.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gatehouse::event {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 64;
constexpr Duration kPauseAfterError = std::chrono::milliseconds(100);

tl::unexpected<Error> FailWith(const SocketAddress& address, const char* what, int error) {
  std::string message = "can't " + std::string(what) + " " + address.ToString() + ": ";
  message += error == EADDRINUSE ? "the address is in use" : std::strerror(error);
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, std::move(message));
}

int OpenSocket(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && address.family() != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // Inherited by what is accepted.
  }
  return fd;
}

// A bind without SO_REUSEPORT fails where anybody listens, also with it.
int ProbeFree(const SocketAddress& address) {
  const int fd = OpenSocket(address);
  if (fd < 0) {
    return errno;
  }
  const int error = bind(fd, address.data(), address.length) == 0 ? 0 : errno;
  close(fd);
  return error;
}

// A socket file nobody answers on is left over from an earlier run: it may be replaced.
int RemoveStaleUnixSocket(const SocketAddress& address) {
  const auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
  struct stat info {};
  if (lstat(un->sun_path, &info) != 0) {
    return errno == ENOENT ? 0 : errno;
  }
  if (!S_ISSOCK(info.st_mode)) {
    return EEXIST;
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = connect(fd, address.data(), address.length) == 0;
  close(fd);
  if (answered) {
    return EADDRINUSE;
  }
  return unlink(un->sun_path) == 0 ? 0 : errno;
}

}  // namespace

Result<std::unique_ptr<ListeningSockets>> ListeningSockets::Bind(const SocketAddress& address,
                                                                 size_t count) {
  std::unique_ptr<ListeningSockets> out(new ListeningSockets);
  out->address_ = address;
  const bool unix_socket = address.family() == AF_UNIX;
  const int busy = unix_socket          ? RemoveStaleUnixSocket(address)
                   : address.port() > 0 ? ProbeFree(address)
                                        : 0;
  if (busy != 0) {
    return FailWith(address, "listen on", busy);
  }
  for (size_t i = 0; i < (unix_socket ? 1 : count); ++i) {
    const int fd = OpenSocket(address);
    if (fd < 0) {
      return FailWith(address, "open a socket for", errno);
    }
    out->fds_.push_back(fd);
    if (!unix_socket) {
      const int on = 1;
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
      if (address.family() == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
      }
    }
    if (bind(fd, out->address_.data(), out->address_.length) != 0) {
      return FailWith(out->address_, "bind", errno);
    }
    if (i == 0 && !unix_socket) {
      getsockname(fd, reinterpret_cast<sockaddr*>(&out->address_.storage), &out->address_.length);
    }
    if (listen(fd, kBacklog) != 0) {
      return FailWith(out->address_, "listen on", errno);
    }
  }
  return out;
}

ListeningSockets::~ListeningSockets() {
  for (const int fd : fds_) {
    close(fd);
  }
  if (address_.family() == AF_UNIX && !fds_.empty()) {
    unlink(reinterpret_cast<const sockaddr_un*>(&address_.storage)->sun_path);
  }
}

Acceptor::Acceptor(Loop& loop, int listening_fd, Handler& handler)
    : loop_(loop), fd_(listening_fd), handler_(handler) {
  event_.reset(event_new(
      loop.base(), fd_, EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<Acceptor*>(self)->OnReadable(); },
      this));
  event_add(event_.get(), nullptr);
}

void Acceptor::OnReadable() {
  loop_.UpdateNow();
  for (int i = 0; i < kAcceptsPerTurn && event_ != nullptr; ++i) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      handler_.OnAccept(fd, peer);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      const int error = errno;
      event_del(event_.get());
      loop_.deadlines().ArmAfter(*this, kPauseAfterError);
      handler_.OnAcceptError(error);
    }
    break;
  }
  loop_.RunFlushes();
}

void Acceptor::OnDeadline() { event_add(event_.get(), nullptr); }

void Acceptor::Drain() {
  // The kernel has finished these handshakes: their clients were promised an answer.
  for (;;) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      break;
    }
    handler_.OnAccept(fd, peer);
  }
  event_.reset();
  Disarm();
}

}  // namespace gatehouse::event
