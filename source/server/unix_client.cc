// SPDX-License-Identifier: Apache-2.0
#include "source/server/unix_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>

#include "source/base/text.h"
#include "source/event/address.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxAnswer = 64u << 20;

struct Descriptor {
  ~Descriptor() { close(fd); }
  int fd;
};

tl::unexpected<Error> Problem(const std::string& path, const std::string& what) {
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, "unix:" + path + ": " + what);
}

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(sent < 0 ? 0 : static_cast<size_t>(sent));
  }
  return true;
}

// To the peer's end; nothing when that doesn't come, or too much does.
std::optional<std::string> ReceiveAll(int fd) {
  std::string out;
  std::array<char, 16 * 1024> piece;
  while (out.size() < kMaxAnswer) {
    const ssize_t received = recv(fd, piece.data(), piece.size(), 0);
    if (received == 0) {
      return out;
    }
    if (received < 0 && errno != EINTR) {
      return std::nullopt;
    }
    out.append(piece.data(), received < 0 ? 0 : static_cast<size_t>(received));
  }
  return std::nullopt;
}

// "HTTP/1.1 200 OK", fields, an empty line, the body.
std::optional<AdminAnswer> Parse(const std::string& text) {
  constexpr size_t kStatusAt = sizeof("HTTP/1.1 ") - 1;
  const size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || end == std::string::npos || end < kStatusAt + 3) {
    return std::nullopt;
  }
  const std::optional<uint64_t> status = ParseUint(text.substr(kStatusAt, 3));
  if (!status) {
    return std::nullopt;
  }
  return AdminAnswer{static_cast<int>(*status), text.substr(end + 4)};
}

}  // namespace

Result<AdminAnswer> AskUnixSocket(const std::string& path, const std::string& head,
                                  Duration limit) {
  const Result<event::SocketAddress> address = event::SocketAddress::FromUnixPath(path);
  if (!address) {
    return tl::unexpected(address.error());
  }
  const Descriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(limit).count(), 0};
  setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (connect(socket.fd, address->data(), address->length) != 0) {
    return Problem(path, std::string("nobody listens here: ") + std::strerror(errno));
  }
  if (!SendAll(socket.fd, head + "\r\n")) {
    return Problem(path, std::strerror(errno));
  }
  const std::optional<std::string> text = ReceiveAll(socket.fd);
  if (!text) {
    return Problem(path, "no answer: what listens there closed, or took too long");
  }
  const std::optional<AdminAnswer> answer = Parse(*text);
  return answer ? Result<AdminAnswer>(*answer) : Problem(path, "the answer is not HTTP");
}

}  // namespace gatehouse::server
