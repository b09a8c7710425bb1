// SPDX-License-Identifier: Apache-2.0
#include "source/http/authority.h"

#include <array>
#include <cstdint>

#include "source/base/ip.h"
#include "source/base/text.h"

namespace gatehouse::http {
namespace {

// RFC 3986 section 2.3, split by whether lower-casing changes the byte.
enum class HostByte : uint8_t { kRefused, kPlain, kUpper };

constexpr std::array<HostByte, 256> MakeHostBytes() {
  std::array<HostByte, 256> bytes{};
  for (int c = 'a'; c <= 'z'; ++c) {
    bytes[c] = HostByte::kPlain;
    bytes[c - 0x20] = HostByte::kUpper;
  }
  for (int c = '0'; c <= '9'; ++c) {
    bytes[c] = HostByte::kPlain;
  }
  for (const char c : {'-', '.', '_', '~'}) {
    bytes[static_cast<unsigned char>(c)] = HostByte::kPlain;
  }
  return bytes;
}
constexpr std::array<HostByte, 256> kHostBytes = MakeHostBytes();

// What may follow a host: nothing, ":" (RFC 3986 allows an empty port), or ":" and a port.
bool IsPortSuffix(std::string_view rest) {
  if (rest.empty() || rest == ":") {
    return true;
  }
  constexpr size_t kMaxDigits = 5;
  if (rest.front() != ':' || rest.size() > 1 + kMaxDigits) {
    return false;
  }
  const auto port = ParseUint(rest.substr(1));
  return port && *port <= 65535;
}

std::string_view CopyLowercase(std::string_view text, Arena& arena) {
  char* out = static_cast<char*>(arena.Allocate(text.size()));
  for (size_t i = 0; i < text.size(); ++i) {
    out[i] = ToLower(text[i]);
  }
  return {out, text.size()};
}

std::optional<std::string_view> NormaliseIpv6(std::string_view authority, Arena& arena) {
  const size_t close = authority.find(']');
  if (close == std::string_view::npos || !IsPortSuffix(authority.substr(close + 1))) {
    return std::nullopt;
  }
  const std::string_view address = authority.substr(1, close - 1);
  constexpr size_t kLongest = 45;  // INET6_ADDRSTRLEN without its NUL.
  if (address.size() > kLongest || address.find(':') == std::string_view::npos ||
      !ParseIp(address)) {
    return std::nullopt;
  }
  return CopyLowercase(authority.substr(0, close + 1), arena);
}

}  // namespace

std::optional<std::string_view> NormaliseHost(std::string_view authority, Arena& arena) {
  if (!authority.empty() && authority.front() == '[') {
    return NormaliseIpv6(authority, arena);
  }
  bool upper = false;
  size_t length = 0;
  for (; length < authority.size(); ++length) {
    const HostByte byte = kHostBytes[static_cast<unsigned char>(authority[length])];
    if (byte == HostByte::kRefused) {
      break;
    }
    upper |= byte == HostByte::kUpper;
  }
  if (!IsPortSuffix(authority.substr(length))) {
    return std::nullopt;
  }
  std::string_view host = authority.substr(0, length);
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.empty()) {
    return std::nullopt;
  }
  return upper ? CopyLowercase(host, arena) : host;
}

}  // namespace gatehouse::http
