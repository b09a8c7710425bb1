// SPDX-License-Identifier: Apache-2.0
#include "source/observe/syslog_socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/observe/line_buffer.h"
#include "source/observe/value_text.h"

namespace gatehouse::observe {
namespace {

using Transport = SyslogAddress::Transport;

constexpr Duration kFirstRetry = std::chrono::milliseconds(100);
constexpr Duration kLastRetry = std::chrono::seconds(5);
// After which a failure is the first again.
constexpr Duration kQuiet = std::chrono::seconds(15);
constexpr Duration kConnectTimeout = std::chrono::seconds(5);
constexpr size_t kBatch = 32;
constexpr uint16_t kSyslogPort = 514;
constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

struct SocketName {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  template <typename Kind>
  explicit SocketName(const Kind& name) : size(sizeof name) {
    std::memcpy(&storage, &name, sizeof name);
  }
};

SocketName NameOf(const SyslogAddress& address) {
  if (address.transport == Transport::kUnix) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.path.data(), address.path.size());
    return SocketName(name);
  }
  if (address.ip.IsV4()) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(address.port);
    std::memcpy(&name.sin_addr, address.ip.bytes.data() + 12, 4);
    return SocketName(name);
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(address.port);
  std::memcpy(&name.sin6_addr, address.ip.bytes.data(), 16);
  return SocketName(name);
}

// One line, without its line feed: in two pieces where the ring ends.
struct Line {
  std::array<iovec, 2> parts{};
  size_t count = 0;
  size_t size = 0;
};

// Takes lines from the front of what waits.
class Lines {
 public:
  explicit Lines(std::span<const iovec> pieces) : pieces_(pieces) {}

  std::optional<Line> Next() {
    Line out;
    while (at_ < pieces_.size()) {
      char* const begin = static_cast<char*>(pieces_[at_].iov_base) + offset_;
      const size_t rest = pieces_[at_].iov_len - offset_;
      const auto* const end = static_cast<char*>(std::memchr(begin, '\n', rest));
      const size_t size = end == nullptr ? rest : static_cast<size_t>(end - begin);
      if (size > 0 && out.count < out.parts.size()) {
        out.parts[out.count++] = {begin, size};
        out.size += size;
      }
      if (end != nullptr) {
        offset_ += size + 1;
        return out;
      }
      ++at_;
      offset_ = 0;
    }
    return std::nullopt;
  }

 private:
  std::span<const iovec> pieces_;
  size_t at_ = 0;
  size_t offset_ = 0;
};

tl::unexpected<Error> Wrong(std::string_view text, std::string_view why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
              "\"" + std::string(text) + "\" " + std::string(why));
}

}  // namespace

Result<SyslogAddress> SyslogAddress::Parse(std::string_view text) {
  SyslogAddress out;
  if (text.starts_with("unix:")) {
    out.path = text.substr(5);
    if (out.path.empty() || out.path.front() != '/' ||
        out.path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Wrong(text, "must name a socket by its whole path, of 107 bytes at most");
    }
    return out;
  }
  out.transport = text.starts_with("tcp://") ? Transport::kTcp : Transport::kUdp;
  if (!text.starts_with("tcp://") && !text.starts_with("udp://")) {
    return Wrong(text, "must be unix:/PATH, udp://ADDRESS:PORT or tcp://ADDRESS:PORT");
  }
  std::string_view host = text.substr(6);
  std::string_view port;
  const bool bracketed = host.starts_with('[');
  const size_t close = bracketed ? host.find(']') : std::string_view::npos;
  const size_t colon = host.find(':', close == std::string_view::npos ? 0 : close);
  if (colon != std::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (bracketed && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  const std::optional<IpAddress> ip = ParseIp(host);
  if (!ip) {
    return Wrong(text, "must have an IP address: names are not resolved here");
  }
  out.ip = *ip;
  const std::optional<uint64_t> number =
      colon == std::string_view::npos ? kSyslogPort : ParseUint(port);
  if (!number || *number == 0 || *number > UINT16_MAX) {
    return Wrong(text, "must have a port between 1 and 65535");
  }
  out.port = static_cast<uint16_t>(*number);
  return out;
}

std::string SyslogAddress::ToString() const {
  if (transport == Transport::kUnix) {
    return "unix:" + path;
  }
  std::array<char, kMaxValueText> text;
  const char* const end = WriteIpPort(text.data(), ip, port);
  return (transport == Transport::kTcp ? "tcp://" : "udp://") +
         std::string(static_cast<const char*>(text.data()), end);
}

SyslogSocket::~SyslogSocket() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

ssize_t SyslogSocket::Write(std::span<iovec> pieces) {
  if (!Ready()) {
    return -1;
  }
  return address_.transport == Transport::kTcp ? WriteFrames(pieces) : WriteDatagrams(pieces);
}

bool SyslogSocket::Ready() {
  if (fd_ >= 0) {
    return connecting_ ? FinishConnect() : PeerIsThere();
  }
  if (MonotonicNow() < retry_at_) {
    errno = last_error_;
    return false;
  }
  return Connect();
}

bool SyslogSocket::Connect() {
  const SocketName name = NameOf(address_);
  const int type = address_.transport == Transport::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  fd_ = socket(name.get()->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    return Fail(errno) > 0;
  }
  if (connect(fd_, name.get(), name.size) == 0) {
    return true;
  }
  if (errno != EINPROGRESS) {
    return Fail(errno) > 0;
  }
  connecting_ = true;
  give_up_ = MonotonicNow() + kConnectTimeout;
  errno = EAGAIN;
  return false;
}

bool SyslogSocket::FinishConnect() {
  pollfd writable{fd_, POLLOUT, 0};
  if (poll(&writable, 1, 0) == 0) {
    if (MonotonicNow() >= give_up_) {
      return Fail(ETIMEDOUT) > 0;
    }
    errno = EAGAIN;
    return false;
  }
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  connecting_ = false;
  return error == 0 || Fail(error) > 0;
}

// A connection that the server has closed still takes what is written first.
bool SyslogSocket::PeerIsThere() {
  if (address_.transport != Transport::kTcp) {
    return true;
  }
  std::array<char, 256> ignored;
  const ssize_t got = recv(fd_, ignored.data(), ignored.size(), MSG_DONTWAIT);
  if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) {
    return true;
  }
  return Fail(got == 0 ? ECONNRESET : errno) > 0;
}

ssize_t SyslogSocket::Fail(int error) {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
  connecting_ = false;
  partial_ = 0;
  // That something was sent in between says little: UDP learns of its failure with the next
  // datagram.
  const MonotonicTime now = MonotonicNow();
  const bool quiet = now - failed_at_ > kQuiet;
  failed_at_ = now;
  backoff_ = quiet ? kFirstRetry : std::clamp(backoff_ * 2, kFirstRetry, kLastRetry);
  retry_at_ = now + backoff_;
  last_error_ = error;
  errno = error;
  return -1;
}

ssize_t SyslogSocket::WriteDatagrams(std::span<const iovec> pieces) {
  std::array<Line, kBatch> lines;
  std::array<mmsghdr, kBatch> messages{};
  size_t count = 0;
  Lines waiting(pieces);
  for (std::optional<Line> line; count < kBatch && (line = waiting.Next()); ++count) {
    lines[count] = *line;
    messages[count].msg_hdr.msg_iov = lines[count].parts.data();
    messages[count].msg_hdr.msg_iovlen = lines[count].count;
  }
  const int sent = sendmmsg(fd_, messages.data(), static_cast<unsigned>(count), kSendFlags);
  if (sent < 0 && errno == EMSGSIZE) {
    ++lost_;
    return static_cast<ssize_t>(lines[0].size) + 1;
  }
  if (sent < 0) {
    const bool stays = errno == EAGAIN || errno == ENOBUFS || errno == EINTR;
    return stays ? -1 : Fail(errno);
  }
  ssize_t done = 0;
  for (int i = 0; i < sent; ++i) {
    done += static_cast<ssize_t>(lines[static_cast<size_t>(i)].size) + 1;
  }
  return done;
}

ssize_t SyslogSocket::WriteFrames(std::span<const iovec> pieces) {
  struct Frame {
    std::array<char, 24> length;
    size_t length_size = 0;
    size_t line_size = 0;
  };
  std::array<Frame, kBatch> frames;
  std::array<iovec, kBatch * 3> out;
  size_t count = 0;
  size_t used = 0;
  Lines waiting(pieces);
  for (std::optional<Line> line; count < kBatch && (line = waiting.Next()); ++count) {
    Frame& frame = frames[count];
    char* end = WriteUint(frame.length.data(), line->size);
    *end++ = ' ';
    frame.length_size = static_cast<size_t>(end - frame.length.data());
    frame.line_size = line->size;
    out[used++] = {frame.length.data(), frame.length_size};
    for (size_t i = 0; i < line->count; ++i) {
      out[used++] = line->parts[i];
    }
  }
  size_t skip = partial_;
  size_t first = 0;
  for (; first < used && skip >= out[first].iov_len; ++first) {
    skip -= out[first].iov_len;
  }
  if (first < used) {
    out[first].iov_base = static_cast<char*>(out[first].iov_base) + skip;
    out[first].iov_len -= skip;
  }
  msghdr message{};
  message.msg_iov = out.data() + first;
  message.msg_iovlen = used - first;
  const ssize_t sent = sendmsg(fd_, &message, kSendFlags);
  if (sent < 0) {
    return errno == EAGAIN || errno == EINTR ? -1 : Fail(errno);
  }
  partial_ += static_cast<size_t>(sent);
  ssize_t done = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = frames[i].length_size + frames[i].line_size;
    if (partial_ < size) {
      break;
    }
    partial_ -= size;
    done += static_cast<ssize_t>(frames[i].line_size) + 1;
  }
  if (done == 0) {
    errno = EAGAIN;
    return -1;
  }
  return done;
}

}  // namespace gatehouse::observe
