// SPDX-License-Identifier: Apache-2.0
// Times and addresses as log lines spell them, without the C library's formatting.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "source/base/clock.h"
#include "source/base/ip.h"

namespace gatehouse::observe {

// Writers below need at most this much room, and return the end of what they wrote.
inline constexpr size_t kMaxValueText = 64;

// Writes wall times; the text of the last second is kept. One per worker, not thread-safe.
class ClockText {
 public:
  // "2026-03-01T08:15:30.125Z" (RFC 3339, UTC).
  char* WriteRfc3339(char* out, WallTime time);
  // "01/Mar/2026:08:15:30 +0000", as in the common log format.
  char* WriteCommon(char* out, WallTime time);

 private:
  void Spell(int64_t second);

  int64_t second_ = std::numeric_limits<int64_t>::min();
  std::array<char, 20> rfc3339_{};  // Up to the dot, which is included.
  std::array<char, 26> common_{};
};

// Milliseconds with three decimals: "12.345".
char* WriteMilliseconds(char* out, Duration duration);

// As inet_ntop(3) would: "192.0.2.7", "2001:db8::1" (RFC 5952).
char* WriteIp(char* out, const IpAddress& address);
// "192.0.2.7:443", "[2001:db8::1]:443".
char* WriteIpPort(char* out, const IpAddress& address, uint16_t port);

}  // namespace gatehouse::observe
