// SPDX-License-Identifier: Apache-2.0
#include "source/server/systemd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gatehouse::server {
namespace {

// One line: what follows a line feed would be another assignment.
std::string StatusLine(std::string_view status) {
  std::string out = "STATUS=";
  out.append(status.substr(0, status.find('\n')));
  return out + "\n";
}

// CLOCK_MONOTONIC itself, as systemd compares it with its own.
uint64_t MonotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

SystemdNotify::SystemdNotify(const char* socket) : socket_(socket == nullptr ? "" : socket) {}

void SystemdNotify::Ready(std::string_view status) const { Send("READY=1\n" + StatusLine(status)); }

void SystemdNotify::Reloading() const {
  Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(MonotonicMicroseconds()) + "\n");
}

void SystemdNotify::Stopping(std::string_view status) const {
  Send("STOPPING=1\n" + StatusLine(status));
}

void SystemdNotify::Send(const std::string& message) const {
  sockaddr_un address{};
  const bool named = socket_.starts_with('/') || socket_.starts_with('@');
  if (!named || socket_.size() < 2 || socket_.size() >= sizeof(address.sun_path)) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  size_t size = offsetof(sockaddr_un, sun_path) + socket_.size();
  if (socket_.starts_with('@')) {
    address.sun_path[0] = '\0';  // The abstract namespace: no path, and no end but the length.
  } else {
    ++size;
  }
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return;
  }
  const ssize_t ignored =
      sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
  static_cast<void>(ignored);
  close(fd);
}

}  // namespace gatehouse::server
