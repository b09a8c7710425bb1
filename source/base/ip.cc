// SPDX-License-Identifier: Apache-2.0
#include "source/base/ip.h"

#include <arpa/inet.h>

#include <cstring>

#include "source/base/text.h"

namespace gatehouse {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t kMappedBits = 96;

// Whether all bits from `prefix` on are zero.
bool HostBitsClear(const IpAddress& address, uint8_t prefix) {
  for (size_t bit = prefix; bit < 128; ++bit) {
    if ((address.bytes[bit / 8] >> (7 - bit % 8)) & 1) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool IpAddress::IsV4() const {
  return std::memcmp(bytes.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (IsV4()) {
    inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof(text));
  }
  return text;
}

std::optional<IpAddress> ParseIp(std::string_view text) {
  IpAddress out;
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) {
    return std::nullopt;
  }
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data() + kMappedPrefix.size()) == 1) {
    std::memcpy(out.bytes.data(), kMappedPrefix.data(), kMappedPrefix.size());
    return out;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) == 1) {
    return out;
  }
  return std::nullopt;
}

bool Cidr::Contains(const IpAddress& address) const {
  const size_t whole = prefix / 8;
  if (std::memcmp(base.bytes.data(), address.bytes.data(), whole) != 0) {
    return false;
  }
  const unsigned rest = prefix % 8;
  if (rest == 0) {
    return true;
  }
  const uint8_t mask = static_cast<uint8_t>(0xff << (8 - rest));
  return ((base.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

Result<Cidr> ParseCidr(std::string_view text) {
  const auto fail = [&](std::string why) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                "\"" + std::string(text) + "\" " + std::move(why));
  };
  const size_t slash = text.find('/');
  const std::optional<IpAddress> base = ParseIp(text.substr(0, slash));
  if (!base) {
    return fail("is not an IP address or CIDR block");
  }
  const uint8_t offset = base->IsV4() && text.find(':') == std::string_view::npos ? kMappedBits : 0;
  Cidr out{*base, 128};
  if (slash != std::string_view::npos) {
    const std::optional<uint64_t> bits = ParseUint(text.substr(slash + 1));
    if (!bits || *bits > 128u - offset) {
      return fail("has a prefix length that is not between 0 and " + std::to_string(128 - offset));
    }
    out.prefix = static_cast<uint8_t>(*bits + offset);
  }
  if (!HostBitsClear(out.base, out.prefix)) {
    return fail("has bits set past its prefix length");
  }
  return out;
}

}  // namespace gatehouse
