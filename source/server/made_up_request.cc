// SPDX-License-Identifier: Apache-2.0
#include "source/server/made_up_request.h"

#include <algorithm>

#include "source/base/text.h"
#include "source/http/authority.h"

namespace gatehouse::server {
namespace {

tl::unexpected<Error> NotUnderstood(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

bool HoldsOnlyVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void SetTarget(std::string_view target, Arena& arena, http::RequestHead& head) {
  target = target.substr(0, target.find('#'));
  head.target = target.starts_with('/') || target == "*" ? target : arena.Concat("/", target);
  const size_t mark = head.target.find('?');
  head.path = head.target.substr(0, mark);
  head.query = mark == head.target.npos ? std::string_view() : head.target.substr(mark + 1);
}

// http://HOST[:PORT][/PATH], /PATH, or * for OPTIONS.
Result<void> ReadUrl(std::string_view url, Arena& arena, http::RequestHead& head) {
  if (!HoldsOnlyVisible(url)) {
    return NotUnderstood(
        "a URL has no spaces, control characters or non-ASCII letters: "
        "percent-encode them");
  }
  if (url.starts_with('/') || url == "*") {
    head.scheme = "http";
    SetTarget(url, arena, head);
    return {};
  }
  const size_t mark = url.find("://");
  const std::string scheme = Lowercase(url.substr(0, mark == url.npos ? 0 : mark));
  if (scheme != "http" && scheme != "https") {
    const bool bare = mark == url.npos && !url.empty();
    const std::string meant = bare ? ", as in http://" + std::string(url) : "";
    return NotUnderstood("a URL begins with http://, https:// or /" + meant);
  }
  head.scheme = scheme == "https" ? "https" : "http";
  const std::string_view rest = url.substr(mark + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  head.authority = rest.substr(0, end);
  if (head.authority.empty()) {
    return NotUnderstood("the URL has no host");
  }
  SetTarget(rest.substr(end), arena, head);
  return {};
}

// The Host line wins over the URL's host, as it does in curl.
Result<void> ReadHeaders(const std::vector<std::string>& lines, http::RequestHead& head) {
  for (const std::string& line : lines) {
    const size_t colon = line.find(':');
    const std::string_view name = std::string_view(line).substr(0, colon);
    if (colon == line.npos || name.empty() || !HoldsOnlyVisible(name)) {
      return NotUnderstood("a header is 'name: value', got '" + line + "'");
    }
    const std::string_view value = TrimOws(std::string_view(line).substr(colon + 1));
    if (EqualsIgnoreCase(name, "host")) {
      head.authority = value;
    } else if (!head.headers.Add(name, value)) {
      return NotUnderstood("there are too many headers");
    }
  }
  return {};
}

}  // namespace

Result<void> MakeUpRequest(const admin::RouteQuestion& question, Arena& arena, MadeUpRequest& out) {
  http::RequestHead& head = out.head;
  if (question.method.empty() || !HoldsOnlyVisible(question.method)) {
    return NotUnderstood("the method is not one word");
  }
  head.method_name = question.method;
  head.method = http::ParseMethod(question.method);
  if (auto read = ReadUrl(question.url, arena, head); !read) {
    return read;
  }
  if (auto read = ReadHeaders(question.headers, head); !read) {
    return read;
  }
  if (head.authority.empty()) {
    return {};
  }
  const std::optional<std::string_view> host = http::NormaliseHost(head.authority, arena);
  if (!host) {
    return NotUnderstood("\"" + std::string(head.authority) + "\" is not a host");
  }
  head.host = *host;
  const std::string_view after = head.authority.substr(head.authority.rfind(']') + 1);
  const size_t colon = after.rfind(':');
  const auto port = colon == after.npos ? std::nullopt : ParseUint(after.substr(colon + 1));
  if (port) {
    out.port = static_cast<uint16_t>(*port);
  }
  head.headers.Add("host", head.authority);
  return {};
}

}  // namespace gatehouse::server
