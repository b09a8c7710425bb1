// SPDX-License-Identifier: Apache-2.0
// Small languages inside scalars: durations, sizes, addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/error.h"

namespace gatehouse::config {

Result<Duration> ParseDuration(std::string_view text);   // 250ms 5s 1m 2h; error says what is wrong
Result<uint64_t> ParseSize(std::string_view text);       // 64KiB 1MiB 2GiB 100B, in bytes
std::string FormatDuration(Duration value);              // the shortest exact spelling
std::string FormatSize(uint64_t bytes);

// "host:port", "[v6]:port", ":port", "unix:/path". Nothing is resolved.
struct Address {
  enum class Kind : uint8_t { kIpv4, kIpv6, kHostname, kUnix };
  Kind kind = Kind::kIpv4;
  std::string host;  // without brackets; the path for kUnix; empty host of ":port" is 0.0.0.0
  uint16_t port = 0;
  std::string ToString() const;
  bool IsLoopback() const;  // 127.0.0.0/8, ::1, unix, "localhost"
};
Result<Address> ParseAddress(std::string_view text);

}  // namespace gatehouse::config
