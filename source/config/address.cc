// SPDX-License-Identifier: Apache-2.0
// Addresses as users write them. Names follow RFC 1123 section 2.1; what ends in a number is an
// IPv4 address or a mistake, never a name.
#include <sys/un.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "source/base/ip.h"
#include "source/base/text.h"
#include "source/config/values.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

tl::unexpected<Error> Refuse(std::string_view text, const std::string& why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, Quoted(text) + " " + why);
}

Result<Address> ParseUnix(std::string_view text) {
  const std::string_view path = text.substr(kUnixPrefix.size());
  constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty()) {
    return Refuse(text, "has no path");
  }
  if (path.find('\0') != path.npos) {
    return Refuse(text, "has a NUL character in its path");
  }
  if (path.starts_with('@')) {
    return Refuse(text, "is an abstract socket, which is not supported yet");
  }
  if (path.size() > kMaxPath) {
    return Refuse(text, "has a path longer than " + std::to_string(kMaxPath) + " bytes");
  }
  return Address{Address::Kind::kUnix, std::string(path), 0};
}

// Why `label` can't be part of a host name; empty when it can.
std::string_view WhyNotLabel(std::string_view label) {
  constexpr size_t kMaxLabel = 63;
  const auto allowed = [](char c) {
    return IsDigit(c) || c == '-' || (ToLower(c) >= 'a' && ToLower(c) <= 'z');
  };
  if (label.empty()) {
    return "has an empty label in its host name";
  }
  if (label.size() > kMaxLabel) {
    return "has a label longer than 63 characters in its host name";
  }
  if (!std::all_of(label.begin(), label.end(), allowed)) {
    return "is not a host name: it may hold letters, digits, hyphens and dots";
  }
  if (label.starts_with('-') || label.ends_with('-')) {
    return "is not a host name: a label can't start or end with a hyphen";
  }
  return {};
}

std::string_view WhyNotHostname(std::string_view host) {
  constexpr size_t kMaxName = 253;
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  if (host.size() > kMaxName) {
    return "has a host name longer than 253 characters";
  }
  std::string_view label;
  while (true) {
    const size_t dot = host.find('.');
    label = host.substr(0, dot);
    if (const std::string_view why = WhyNotLabel(label); !why.empty()) {
      return why;
    }
    if (dot == host.npos) {
      break;
    }
    host.remove_prefix(dot + 1);
  }
  if (std::all_of(label.begin(), label.end(), IsDigit)) {
    return "is not an IPv4 address";
  }
  return {};
}

// The host and the text of the port, split at the colon between them.
struct Parts {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
};
Result<Parts> Split(std::string_view text) {
  if (text.empty()) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                "the address is empty; expected host:port");
  }
  if (text.find("://") != text.npos) {
    return Refuse(text, "is a URL; expected host:port");
  }
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == text.npos) {
      return Refuse(text, "has no closing bracket");
    }
    const std::string_view rest = text.substr(close + 1);
    if (!rest.starts_with(':') || rest.size() == 1) {
      return Refuse(text, "has no port");
    }
    return Parts{text.substr(1, close - 1), rest.substr(1), true};
  }
  const size_t colon = text.find(':');
  if (text.find(':', colon == text.npos ? colon : colon + 1) != text.npos) {
    return Refuse(text, "has too many colons; an IPv6 address needs brackets, as in [::1]:8080");
  }
  if (colon == text.npos || colon + 1 == text.size()) {
    return Refuse(text, "has no port");
  }
  return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

Result<uint16_t> ParsePort(std::string_view text, std::string_view port) {
  constexpr uint64_t kMaxPort = 65535;
  if (!std::all_of(port.begin(), port.end(), IsDigit)) {
    return Refuse(text, "has a port that is not a number");
  }
  const std::optional<uint64_t> value = ParseUint(port);
  if (!value || *value > kMaxPort) {
    return Refuse(text, "has a port out of range: at most 65535");
  }
  return static_cast<uint16_t>(*value);
}

}  // namespace

Result<Address> ParseAddress(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    return ParseUnix(text);
  }
  const Result<Parts> parts = Split(text);
  if (!parts) {
    return tl::unexpected<Error>(parts.error());
  }
  const Result<uint16_t> port = ParsePort(text, parts->port);
  if (!port) {
    return tl::unexpected<Error>(port.error());
  }
  if (!parts->bracketed && parts->host.empty()) {
    return Address{Address::Kind::kIpv4, "0.0.0.0", *port};
  }
  const std::optional<IpAddress> ip = ParseIp(parts->host);
  const bool colons = parts->host.find(':') != std::string_view::npos;
  if (parts->bracketed && (!ip || !colons)) {
    return Refuse(text, parts->host.find('%') != std::string_view::npos
                            ? "has an IPv6 zone, which is not supported"
                            : "has no IPv6 address in its brackets");
  }
  if (ip) {
    return Address{ip->IsV4() ? Address::Kind::kIpv4 : Address::Kind::kIpv6, ip->ToString(), *port};
  }
  if (parts->host == "*") {
    return Refuse(text, "has no address; for every address write :" + std::to_string(*port));
  }
  if (const std::string_view why = WhyNotHostname(parts->host); !why.empty()) {
    return Refuse(text, std::string(why));
  }
  return Address{Address::Kind::kHostname, std::string(parts->host), *port};
}

std::string Address::ToString() const {
  if (kind == Kind::kUnix) {
    return std::string(kUnixPrefix) + host;
  }
  const std::string shown = kind == Kind::kIpv6 ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

bool Address::IsLoopback() const {
  switch (kind) {
    case Kind::kUnix:
      return true;
    case Kind::kHostname:
      return EqualsIgnoreCase(host, "localhost") || EqualsIgnoreCase(host, "localhost.");
    case Kind::kIpv4:
      return host.starts_with("127.");
    case Kind::kIpv6:
      return host == "::1";
  }
  return false;
}

}  // namespace gatehouse::config
