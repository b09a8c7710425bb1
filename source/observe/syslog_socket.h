// SPDX-License-Identifier: Apache-2.0
// A syslog server as a log's output: a datagram for each line over a unix socket or UDP (RFC 5426),
// or frames with their length before them over TCP (RFC 6587 section 3.4.1).
//
// A server that is away is asked again after a while, up to a few seconds; lines wait meanwhile. A
// line of which TCP took a part only is sent whole on the next connection. What was sent is out of
// our hands: neither protocol says whether it has arrived.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/ip.h"
#include "source/observe/log_output.h"

namespace gatehouse::observe {

struct SyslogAddress {
  enum class Transport : uint8_t { kUnix, kUdp, kTcp };
  Transport transport = Transport::kUnix;
  IpAddress ip{};
  uint16_t port = 0;
  std::string path{};

  // "unix:/dev/log", "udp://192.0.2.7:514", "tcp://[2001:db8::7]:601"; without a port 514. Errors
  // are sentences about `text`.
  static Result<SyslogAddress> Parse(std::string_view text);
  std::string ToString() const;
};

class SyslogSocket final : public LogOutput {
 public:
  explicit SyslogSocket(SyslogAddress address) : address_(std::move(address)) {}
  ~SyslogSocket() override;
  SyslogSocket(const SyslogSocket&) = delete;
  SyslogSocket& operator=(const SyslogSocket&) = delete;

  ssize_t Write(std::span<iovec> pieces) override;
  int fd() const override { return fd_; }
  bool reopens() const override { return false; }
  Result<void> Reopen() override { return {}; }
  size_t TakeLost() override { return std::exchange(lost_, 0); }

 private:
  // Whether it can be written to; else errno says why not.
  bool Ready();
  bool Connect();
  bool FinishConnect();
  bool PeerIsThere();
  // Closes, and waits a little longer than the last time. Returns -1 with errno.
  ssize_t Fail(int error);
  ssize_t WriteDatagrams(std::span<const iovec> pieces);
  ssize_t WriteFrames(std::span<const iovec> pieces);

  const SyslogAddress address_;
  int fd_ = -1;
  bool connecting_ = false;
  MonotonicTime give_up_{};  // On connecting.
  MonotonicTime retry_at_{};
  Duration backoff_{};  // Grows with each failure, until there was none for a while.
  MonotonicTime failed_at_{};
  int last_error_ = 0;
  size_t partial_ = 0;  // Bytes of the first frame that have been sent.
  size_t lost_ = 0;
};

}  // namespace gatehouse::observe
