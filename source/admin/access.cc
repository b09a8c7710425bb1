// SPDX-License-Identifier: Apache-2.0
#include "source/admin/access.h"

#include <algorithm>
#include <utility>

#include "source/base/ip.h"
#include "source/base/text.h"

namespace gatehouse::admin {
namespace {

void DropEmpty(std::vector<std::string>& tokens) {
  std::erase_if(tokens, [](const std::string& token) { return token.empty(); });
}

// Looks at all of them, so that the time doesn't tell which one is near.
bool IsAmong(std::string_view token, const std::vector<std::string>& tokens) {
  bool found = false;
  for (const std::string& candidate : tokens) {
    found |= EqualInConstantTime(token, candidate);
  }
  return found;
}

// The credentials of `Authorization: Bearer ...` (RFC 6750 section 2.1); empty when there are none.
std::string_view BearerToken(const http::RequestHead& head) {
  const std::string_view value = head.headers.Value(http::Known::kAuthorization);
  constexpr std::string_view kScheme = "bearer ";
  return value.size() > kScheme.size() && EqualsIgnoreCase(value.substr(0, kScheme.size()), kScheme)
             ? TrimOws(value.substr(kScheme.size()))
             : std::string_view();
}

bool IsLoopbackHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  config::Address address;
  address.host = host;
  const std::optional<IpAddress> ip = ParseIp(host);
  address.kind = !ip          ? config::Address::Kind::kHostname
                 : ip->IsV4() ? config::Address::Kind::kIpv4
                              : config::Address::Kind::kIpv6;
  return !host.empty() && address.IsLoopback();
}

// "http://host:port" and the authority it was sent to are the same host and port.
bool IsSameOrigin(std::string_view origin, const http::RequestHead& head) {
  std::string_view default_port;
  if (origin.starts_with("http://")) {
    origin.remove_prefix(7);
    default_port = ":80";
  } else if (origin.starts_with("https://")) {
    origin.remove_prefix(8);
    default_port = ":443";
  } else {
    return false;  // "null", and what no browser sends.
  }
  std::string_view authority = head.authority;
  if (authority.ends_with(default_port) && !origin.ends_with(default_port)) {
    authority.remove_suffix(default_port.size());
  }
  return !origin.empty() && EqualsIgnoreCase(origin, authority);
}

}  // namespace

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference |= static_cast<unsigned char>(a[i] ^ other);
  }
  return difference == 0;
}

Access::Access(config::Address address, std::vector<std::string> read_tokens,
               std::vector<std::string> write_tokens)
    : address_(std::move(address)),
      read_tokens_(std::move(read_tokens)),
      write_tokens_(std::move(write_tokens)) {
  DropEmpty(read_tokens_);
  DropEmpty(write_tokens_);
}

std::optional<Refusal> Access::Check(const http::RequestHead& head, bool mutation) const {
  if (std::optional<Refusal> refusal = CheckToken(head, mutation)) {
    return refusal;
  }
  if (!mutation) {
    return std::nullopt;
  }
  if (address_.IsLoopback() && !HostIsOurs(head)) {
    return Refusal{403, "wrong_host", "Host is not an address of this endpoint"};
  }
  if (const http::Field* origin = head.headers.Find(http::Known::kOrigin);
      origin != nullptr && !IsSameOrigin(origin->value, head)) {
    return Refusal{403, "wrong_origin", "requests that a page of another origin sends are refused"};
  }
  return std::nullopt;
}

std::optional<Refusal> Access::CheckToken(const http::RequestHead& head, bool mutation) const {
  if (read_tokens_.empty() && write_tokens_.empty()) {
    return std::nullopt;
  }
  const std::string_view token = BearerToken(head);
  const bool may_write = IsAmong(token, write_tokens_);
  const bool may_read = IsAmong(token, read_tokens_) || may_write;
  if (!may_read) {
    return Refusal{401, "unauthorized", "a bearer token of the admin endpoint is needed"};
  }
  if (mutation && !may_write) {
    return Refusal{403, "read_only", "this token may read only"};
  }
  return std::nullopt;
}

bool Access::HostIsOurs(const http::RequestHead& head) const {
  // What reaches a unix socket came from this machine and names no host that says anything.
  return address_.kind == config::Address::Kind::kUnix || IsLoopbackHost(head.host) ||
         EqualsIgnoreCase(head.host, address_.host);
}

}  // namespace gatehouse::admin
