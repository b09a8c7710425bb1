// SPDX-License-Identifier: Apache-2.0
#include "source/http/request_rules.h"

#include <cstring>

#include "source/base/text.h"
#include "source/http/authority.h"

namespace gatehouse::http {
namespace {

Fault Malformed(const char* reason) { return {ErrorCode::kMalformedRequest, reason}; }

}  // namespace

void SetOriginForm(std::string_view target, RequestHead& head) {
  head.target = target;
  const auto* mark = static_cast<const char*>(std::memchr(target.data(), '?', target.size()));
  const size_t path_size = mark == nullptr ? target.size() : mark - target.data();
  head.path = target.substr(0, path_size);
  head.query = mark == nullptr ? std::string_view() : target.substr(path_size + 1);
}

// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, at most one in 1.0, and a valid one.
Fault SetAuthority(std::string_view authority, RequestHead& head) {
  const Field* host = head.headers.Find(Known::kHost);
  const bool in_target = authority.data() != nullptr;
  if (host == nullptr) {
    // HTTP/2 needs none where it has :authority (RFC 9113 section 8.3.1).
    if (head.version == Version::kHttp11 || (head.version == Version::kHttp2 && !in_target)) {
      return Malformed("no Host");
    }
  } else if (head.headers.Next(*host) != nullptr) {
    return Malformed("more than one Host");
  }
  if (!in_target) {
    if (host == nullptr) {
      return {};
    }
    authority = host->value;
  }
  head.authority = authority;
  const auto normal = NormaliseHost(head.authority, head.headers.arena());
  if (!normal) {
    return Malformed("the Host or the target's authority is not a host with an optional port");
  }
  head.host = *normal;
  if (!in_target) {
    return {};
  }
  if (host != nullptr && !NormaliseHost(host->value, head.headers.arena())) {
    return Malformed("the Host is not a host with an optional port");
  }
  head.headers.Set(Known::kHost, head.authority);
  return {};
}

Fault SetExpectation(RequestHead& head) {
  const Field* expect = head.headers.Find(Known::kExpect);
  if (expect == nullptr) [[likely]] {
    return {};
  }
  if (head.version == Version::kHttp10) {
    head.headers.Remove(Known::kExpect);
    return {};
  }
  if (head.headers.Next(*expect) != nullptr || !EqualsIgnoreCase(expect->value, "100-continue")) {
    return {ErrorCode::kExpectationFailed, "an expectation other than 100-continue"};
  }
  head.expects_continue = true;
  return {};
}

}  // namespace gatehouse::http
