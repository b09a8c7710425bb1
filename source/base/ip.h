// SPDX-License-Identifier: Apache-2.0
// IP addresses and blocks of them, as values. No sockets, no resolving.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse {

// An IP address; IPv4 as v4-mapped IPv6, so that one code path compares both.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool IsV4() const;
  std::string ToString() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};
std::optional<IpAddress> ParseIp(std::string_view text);

// A block of addresses: "10.0.0.0/8", "::1", "192.0.2.7".
struct Cidr {
  IpAddress base;      // Bits past the prefix are zero.
  uint8_t prefix = 0;  // 0 to 128, counted in the mapped form.
  bool Contains(const IpAddress& address) const;
};
Result<Cidr> ParseCidr(std::string_view text);  // an error when host bits are set

}  // namespace gatehouse
