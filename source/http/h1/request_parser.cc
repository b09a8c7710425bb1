// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/request_parser.h"

#include "source/base/text.h"
#include "source/http/h1/field_parser.h"
#include "source/http/message/framing.h"
#include "source/http/request_rules.h"

namespace gatehouse::http {
namespace {

Fault Malformed(const char* reason) { return {ErrorCode::kMalformedRequest, reason}; }

// HTTP-version = "HTTP/" DIGIT "." DIGIT (RFC 9112 section 2.3). A minor version above 1 is served
// as 1.1 (RFC 9110 section 2.5).
Fault ParseVersion(std::string_view text, Version& version) {
  if (text == "HTTP/1.1") [[likely]] {
    version = Version::kHttp11;
    return {};
  }
  if (text.size() != 8 || !text.starts_with("HTTP/") || !IsDigit(text[5]) || text[6] != '.' ||
      !IsDigit(text[7])) {
    return Malformed("the request line does not end in an HTTP version");
  }
  if (text[5] == '0') {
    return Malformed("HTTP/0.9 is not served");
  }
  if (text[5] != '1') {
    return {ErrorCode::kVersionNotSupported, "a major version of HTTP other than 1"};
  }
  version = text[7] == '0' ? Version::kHttp10 : Version::kHttp11;
  return {};
}

// absolute-form (RFC 9112 section 3.2.2): its authority counts, whatever Host says.
Fault SetAbsoluteForm(std::string_view target, RequestHead& head) {
  const bool https = EqualsIgnoreCase(target.substr(0, 8), "https://");
  if (!https && !EqualsIgnoreCase(target.substr(0, 7), "http://")) {
    return Malformed("the request target is of no known form");
  }
  const std::string_view rest = target.substr(https ? 8 : 7);
  const size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view after = rest.substr(authority_size);
  head.scheme = https ? "https" : "http";
  head.authority = rest.substr(0, authority_size);
  if (after.empty()) {
    // An empty path is "/", and "*" in OPTIONS (RFC 9112 section 3.2.4).
    SetOriginForm(head.method == Method::kOptions ? "*" : "/", head);
  } else {
    SetOriginForm(after.front() == '/' ? after : head.headers.arena().Concat("/", after), head);
  }
  return {};
}

Fault SetTarget(std::string_view target, RequestHead& head) {
  if (head.method == Method::kConnect || head.method == Method::kTrace) {
    head.target = target;
    return {ErrorCode::kMethodNotSupported, "CONNECT and TRACE are not served"};
  }
  if (target.front() == '/') [[likely]] {
    SetOriginForm(target, head);
    return {};
  }
  if (target != "*") {
    return SetAbsoluteForm(target, head);
  }
  if (head.method != Method::kOptions) {
    return Malformed("the request target is '*' and the method is not OPTIONS");
  }
  SetOriginForm(target, head);
  return {};
}

}  // namespace

Fault ParseRequestLine(std::string_view line, RequestLine& out) {
  const size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos || !IsToken(line.substr(0, method_end))) {
    return Malformed("the request line does not begin with a method and a space");
  }
  out.method = line.substr(0, method_end);
  line.remove_prefix(method_end + 1);
  const size_t target_end = line.find(' ');
  if (target_end == std::string_view::npos) {
    return Malformed("the request line has no HTTP version");
  }
  const std::string_view target = line.substr(0, target_end);
  if (Fault fault = ParseVersion(line.substr(target_end + 1), out.version)) {
    return fault;
  }
  if (!AllOf(target, kTargetByte)) {
    return Malformed("the request target is empty or has bytes that no URI has");
  }
  out.target = target;
  return {};
}

Fault ParseRequestHead(std::string_view bytes, const CodecLimits& limits, RequestHead& head) {
  LineReader lines(CopyWithPadding(bytes, head.headers.arena()));
  std::string_view first_line;
  if (!lines.Next(first_line)) {
    return Malformed("the request line has a control character or is not ended by CRLF");
  }
  RequestLine line;
  const Fault line_fault = ParseRequestLine(first_line, line);
  head.method_name = line.method;
  head.method = ParseMethod(line.method);
  head.version = line.version;
  head.scheme = "http";
  if (line_fault) {
    return line_fault;
  }
  if (Fault fault = SetTarget(line.target, head)) {
    return fault;
  }
  if (Fault fault = ParseFields(lines, FieldOrigin::kRequest, limits.max_headers, head.headers)) {
    return fault;
  }
  // What SetAbsoluteForm() found.
  if (Fault fault = SetAuthority(head.authority, head)) {
    return fault;
  }
  if (Fault fault = ReadFraming(head)) {
    return fault;
  }
  return SetExpectation(head);
}

Fault TooLargeFault(std::string_view bytes, const CodecLimits& limits) {
  if (bytes.substr(0, limits.max_header_bytes).find('\r') == std::string_view::npos) {
    return {ErrorCode::kTargetTooLong, "the request line is too long"};
  }
  return {ErrorCode::kHeadersTooLarge, "the head is too large"};
}

void FillFromRequestLine(std::string_view bytes, RequestHead& head) {
  constexpr size_t kMaxBytes = 8192;  // Enough for a log line.
  const size_t line_end = bytes.substr(0, kMaxBytes).find('\r');
  if (line_end == std::string_view::npos) {
    return;
  }
  RequestLine line;
  if (ParseRequestLine(head.headers.arena().Copy(bytes.substr(0, line_end)), line)) {
    return;
  }
  head.method_name = line.method;
  head.method = ParseMethod(line.method);
  head.version = line.version;
  SetTarget(line.target, head);
}

}  // namespace gatehouse::http
