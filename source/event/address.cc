// SPDX-License-Identifier: Apache-2.0
#include "source/event/address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::event {

SocketAddress SocketAddress::FromIp(const IpAddress& ip, uint16_t port) {
  SocketAddress out;
  if (ip.IsV4()) {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, ip.bytes.data() + 12, 4);
    out.length = sizeof(sockaddr_in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    std::memcpy(&in->sin6_addr, ip.bytes.data(), 16);
    out.length = sizeof(sockaddr_in6);
  }
  return out;
}

Result<SocketAddress> SocketAddress::FromUnixPath(const std::string& path) {
  SocketAddress out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.empty() || path.size() >= sizeof(un->sun_path)) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                "\"" + path + "\" is not a path of 1 to 107 bytes");
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

IpAddress SocketAddress::ip() const {
  IpAddress out;
  if (family() == AF_INET) {
    out.bytes[10] = out.bytes[11] = 0xff;
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    std::memcpy(out.bytes.data() + 12, &in->sin_addr, 4);
  } else if (family() == AF_INET6) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
    std::memcpy(out.bytes.data(), &in->sin6_addr, 16);
  }
  return out;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  }
  if (family() == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  }
  return 0;
}

std::string SocketAddress::ToString() const {
  if (family() == AF_UNIX) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(&storage);
    return "unix:" + std::string(un->sun_path, strnlen(un->sun_path, sizeof(un->sun_path)));
  }
  const std::string host = ip().ToString();
  const std::string port_text = std::to_string(port());
  return family() == AF_INET ? host + ":" + port_text : "[" + host + "]:" + port_text;
}

}  // namespace gatehouse::event
