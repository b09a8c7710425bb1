// SPDX-License-Identifier: Apache-2.0
// Addresses of sockets, in the kernel's form.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>

#include "source/base/error.h"
#include "source/base/ip.h"

namespace gatehouse::event {

struct SocketAddress {
  // As much as the families that are spoken need.
  union Storage {
    sockaddr_un un{};
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Storage storage;
  socklen_t length = 0;

  static SocketAddress FromIp(const IpAddress& ip, uint16_t port);
  // An error when the path is too long for the kernel (107 bytes).
  static Result<SocketAddress> FromUnixPath(const std::string& path);

  int family() const { return storage.any.sa_family; }
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage); }
  // The all-zero address for unix sockets.
  IpAddress ip() const;
  uint16_t port() const;
  // "10.0.0.1:80", "[::1]:80", "unix:/path".
  std::string ToString() const;
};

}  // namespace gatehouse::event
