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
constexpr Duration kPauseAfterError = std::chrono::milliseconds(100);

tl::unexpected<Error> FailWith(const SocketAddress& address, const char* what, int error) {
  std::string message = "can't " + std::string(what) + " " + address.ToString() + ": ";
  message += error == EADDRINUSE ? "the address is in use" : std::strerror(error);
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, std::move(message));
}

const char* UnixPath(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
}

int OpenSocket(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return fd;
  }
  const int on = 1;
  if (address.family() != AF_UNIX) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // Inherited by what is accepted.
  }
  if (address.family() == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
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
  struct stat info{};
  if (lstat(UnixPath(address), &info) != 0) {
    return errno == ENOENT ? 0 : errno;
  }
  if (!S_ISSOCK(info.st_mode)) {
    return EEXIST;
  }
  const int fd = OpenSocket(address);
  if (fd < 0) {
    return errno;
  }
  const int error = connect(fd, address.data(), address.length) == 0 ? 0 : errno;
  close(fd);
  if (error == 0 || error == EAGAIN || error == EINPROGRESS) {  // EAGAIN: its queue is full.
    return EADDRINUSE;
  }
  if (error != ECONNREFUSED && error != ENOENT) {
    return error;
  }
  return unlink(UnixPath(address)) == 0 || errno == ENOENT ? 0 : errno;
}

// Errors of one connection, which is gone, or of the network (accept(2)): the next one may do.
bool IsOfOneConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<ListeningSockets>> ListeningSockets::Bind(const SocketAddress& address,
                                                                 size_t count, Sharing sharing) {
  std::unique_ptr<ListeningSockets> out(new ListeningSockets);
  out->address_ = address;
  const bool unix_socket = address.family() == AF_UNIX;
  const bool probe = address.port() > 0 && sharing == Sharing::kRefuse;
  const int busy = unix_socket ? RemoveStaleUnixSocket(address) : probe ? ProbeFree(address) : 0;
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
    }
    if (bind(fd, out->address_.data(), out->address_.length) != 0) {
      return FailWith(out->address_, "bind", errno);
    }
    struct stat info{};
    if (unix_socket && lstat(UnixPath(address), &info) == 0) {
      out->device_ = info.st_dev;
      out->inode_ = info.st_ino;
    } else if (i == 0) {
      getsockname(fd, reinterpret_cast<sockaddr*>(&out->address_.storage), &out->address_.length);
    }
    if (listen(fd, kBacklog) != 0) {
      return FailWith(out->address_, "listen on", errno);
    }
  }
  // A path can be bound once: workers share its queue, each with a descriptor of its own.
  while (out->fds_.size() < count) {
    const int fd = fcntl(out->fds_.front(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
      return FailWith(out->address_, "open a socket for", errno);
    }
    out->fds_.push_back(fd);
  }
  return out;
}

ListeningSockets::~ListeningSockets() {
  RemoveFile();
  for (const int fd : fds_) {
    close(fd);
  }
}

void ListeningSockets::RemoveFile() const {
  struct stat info{};
  if (inode_ != 0 && lstat(UnixPath(address_), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    unlink(UnixPath(address_));
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

int Acceptor::AcceptUpTo(int most) {
  for (int i = 0; i < most && event_ != nullptr; ++i) {
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    const int fd = accept4(fd_, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      handler_.OnAccept(fd, peer);
    } else if (!IsOfOneConnection(errno)) {
      return errno;
    }
  }
  return 0;
}

void Acceptor::OnReadable() {
  loop_.UpdateNow();
  Loop& loop = loop_;
  const int error = AcceptUpTo(handler_.accepts_per_turn());
  if (error != 0 && error != EAGAIN && error != EWOULDBLOCK) {
    event_del(event_.get());
    loop_.deadlines().ArmAfter(*this, kPauseAfterError);
    handler_.OnAcceptError(error);
  }
  loop.RunFlushes();
}

void Acceptor::OnDeadline() { event_add(event_.get(), nullptr); }

void Acceptor::Drain() {
  // The kernel has finished these handshakes: their clients were promised an answer.
  AcceptUpTo(kBacklog);
  event_.reset();
  Disarm();
}

}  // namespace gatehouse::event
