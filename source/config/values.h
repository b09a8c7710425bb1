// SPDX-License-Identifier: Apache-2.0
// Small languages inside scalars: durations, sizes, addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/error.h"

namespace gatehouse::config {

// Whole numbers with units from ns, us, ms, s, m, h, the largest first: "250ms", "5s", "1m30s".
// Errors are whole sentences that quote the text.
Result<Duration> ParseDuration(std::string_view text);
// A whole number of B, KiB, MiB or GiB, in bytes.
Result<uint64_t> ParseSize(std::string_view text);
// The spelling that was probably meant by a text that can't be parsed: "5" is "5s", "64KB" is
// "64KiB". Empty when there is none.
std::string SuggestDuration(std::string_view text);
std::string SuggestSize(std::string_view text);
// The shortest spelling that parses to the same value. `value` is not negative.
std::string FormatDuration(Duration value);
std::string FormatSize(uint64_t bytes);

// "host:port", "[v6]:port", ":port", "unix:/path". Nothing is resolved. Port 0 is allowed: who
// can't use it says so.
struct Address {
  enum class Kind : uint8_t { kIpv4, kIpv6, kHostname, kUnix };
  Kind kind = Kind::kIpv4;
  // Without brackets, IP addresses in canonical form, names as written; the path for kUnix. That of
  // ":port" is 0.0.0.0.
  std::string host;
  uint16_t port = 0;
  std::string ToString() const;  // Parses to an equal address.
  bool IsLoopback() const;       // 127.0.0.0/8, ::1, unix, "localhost"
  friend bool operator==(const Address&, const Address&) = default;
};
Result<Address> ParseAddress(std::string_view text);

}  // namespace gatehouse::config
