// SPDX-License-Identifier: Apache-2.0
#include "source/route/rewrite.h"

#include <charconv>

#include "source/base/text.h"
#include "source/route/route_index.h"

namespace gatehouse::route {
namespace {

// Two pieces of a path, to be read as one.
struct Joined {
  std::string_view front;
  std::string_view back;
};

// `prefix` before `rest` with one slash between them and one at the start.
Joined Join(std::string_view prefix, std::string_view rest) {
  if (!rest.empty()) {
    prefix = CanonicalPrefix(prefix);
  }
  Joined out{prefix, rest};
  std::string_view& first = prefix.empty() ? out.back : out.front;
  while (first.starts_with("//")) {
    first.remove_prefix(1);
  }
  if (prefix.empty() && !first.starts_with('/')) {
    out.front = "/";
  }
  return out;
}

// What is left of `path` below `prefix`; all of it when it isn't below.
std::string_view Strip(std::string_view path, std::string_view prefix) {
  const std::string_view canonical = CanonicalPrefix(prefix);
  return IsUnder(path, canonical) ? path.substr(canonical.size()) : path;
}

bool MayStand(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}#").find(c) == std::string_view::npos;
}

// `text` with what can't stand in a URL percent-encoded; what is encoded stays so.
std::string_view Encoded(std::string_view text, Arena& arena) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  size_t size = text.size();
  for (const char c : text) {
    size += MayStand(c) ? 0 : 2;
  }
  if (size == text.size()) {
    return text;
  }
  char* const begin = static_cast<char*>(arena.Allocate(size));
  char* out = begin;
  for (const char c : text) {
    if (MayStand(c)) {
      *out++ = c;
    } else {
      *out++ = '%';
      *out++ = kHex[static_cast<unsigned char>(c) >> 4];
      *out++ = kHex[static_cast<unsigned char>(c) & 0xF];
    }
  }
  return {begin, size};
}

// The query with its question mark, or nothing.
std::string_view QueryPart(const http::RequestHead& head) {
  return head.target.size() > head.path.size() ? head.target.substr(head.path.size())
                                               : std::string_view();
}

bool IsHost(std::string_view host) {
  for (const char c : host) {
    const char lower = ToLower(c);
    const bool plain = (lower >= 'a' && lower <= 'z') || IsDigit(c);
    if (!plain && std::string_view("-._[]:").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !host.empty();
}

// ":8080" of "example.com:8080"; empty without a port.
std::string_view PortPart(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  return colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos ||
                 !ParseUint(authority.substr(colon + 1))
             ? std::string_view()
             : authority.substr(colon);
}

// The port of the location with its colon, left out where the scheme implies it.
std::string_view LocationPort(const Redirect& redirect, std::string_view scheme,
                              const http::RequestHead& head, Arena& arena) {
  if (redirect.port == 0) {
    const bool same_origin = scheme == head.scheme && redirect.host.empty();
    return same_origin ? PortPart(head.authority) : std::string_view();
  }
  if (redirect.port == (scheme == "https" ? 443 : 80)) {
    return {};
  }
  char digits[5];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), redirect.port);
  return arena.Concat(":", std::string_view(digits, end));
}

Joined LocationPath(const Redirect& redirect, const RouteMatch& match, std::string_view path) {
  if (!redirect.path.empty()) {
    return Join(redirect.path, {});
  }
  if (!redirect.prefix.empty()) {
    const std::string_view matched =
        match.path_kind == PathKind::kPrefix ? std::string_view(match.path) : std::string_view();
    return Join(redirect.prefix, Strip(path, matched));
  }
  return Join({}, path.starts_with('/') ? path : std::string_view());
}

}  // namespace

std::string_view RewrittenTarget(const Forward& forward, const http::RequestHead& head,
                                 Arena& arena) {
  const Rewrite& rewrite = *forward.rewrite;
  if (!rewrite.changes_path() || !head.path.starts_with('/')) {
    return head.target;
  }
  const std::string_view query = QueryPart(head);
  if (!rewrite.path.empty()) {
    return query.empty() ? std::string_view(rewrite.path) : arena.Concat(rewrite.path, query);
  }
  const std::string_view rest =
      rewrite.strip_prefix.empty() ? head.path : Strip(head.path, rewrite.strip_prefix);
  const Joined path = Join(rewrite.prefix, rest);
  return arena.Concat(path.front, path.back, query);
}

void ApplyHeaderEdits(const HeaderEdits& edits, http::Headers& headers) {
  for (const std::string& name : edits.remove) {
    headers.Remove(name);
  }
  for (const auto& [name, value] : edits.set) {
    headers.Set(name, value);
  }
  for (const auto& [name, value] : edits.add) {
    headers.Add(name, value);
  }
}

std::string_view RedirectLocation(const Redirect& redirect, const RouteMatch& match,
                                  const http::RequestHead& head, Arena& arena) {
  const Joined path = LocationPath(redirect, match, head.path);
  const std::string_view front = Encoded(path.front, arena);
  const std::string_view back = Encoded(path.back, arena);
  const std::string_view query =
      redirect.strip_query ? std::string_view() : Encoded(QueryPart(head), arena);
  if (redirect.scheme.empty() && redirect.host.empty() && redirect.port == 0) {
    return arena.Concat(front, back, query);
  }
  const std::string_view scheme =
      redirect.scheme.empty() ? head.scheme : std::string_view(redirect.scheme);
  const std::string_view host = redirect.host.empty() ? head.host : std::string_view(redirect.host);
  if (!IsHost(host)) {
    return {};
  }
  const std::string_view port = LocationPort(redirect, scheme, head, arena);
  return arena.Concat(scheme, "://", host, port, front, back, query);
}

}  // namespace gatehouse::route
