// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "source/base/text.h"
#include "source/http/h2/header_block.h"
#include "source/http/message/framing.h"
#include "source/http/request_rules.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kNames[] = {":method", ":scheme", ":authority", ":path", ":protocol"};
constexpr std::string_view kWebSocket = "websocket";

Fault Malformed(const char* reason) { return {ErrorCode::kMalformedRequest, reason}; }

constexpr Fault kNotServed = {ErrorCode::kMethodNotSupported, "CONNECT and TRACE are not served"};

}  // namespace

void RequestBlock::Begin(RequestHead& head) {
  head_ = &head;
  head.version = Version::kHttp2;
  head.scheme = "http";
  fields_.Begin(head.headers, FieldOrigin::kRequest);
  values_.fill({});
  seen_ = 0;
  has_host_ = false;
  host_came_ = false;
}

void RequestBlock::Add(std::string_view name, std::string_view value, bool never_indexed) {
  if (name == kNames[kPath] && value.size() > limits_.max_header_bytes) {
    fields_.Fail(ErrorCode::kTargetTooLong, "the request target is too long");
  }
  if (!fields_.Count(name, value)) {
    return;
  }
  if (name.starts_with(':')) {
    AddPseudo(name, value);
    return;
  }
  if (has(kAuthority) && !has_host_) {
    AddHost();
  }
  if (has_host_ && name == NameOf(Known::kHost)) {
    CompareHost(value);
    return;
  }
  fields_.Add(name, value, never_indexed);
}

void RequestBlock::AddPseudo(std::string_view name, std::string_view value) {
  const auto* const known = std::find(std::begin(kNames), std::end(kNames), name);
  if (fields_.has_fields()) {
    fields_.FailMalformed("a pseudo-header field comes behind other fields");
  } else if (known == std::end(kNames)) {
    fields_.FailMalformed("a pseudo-header field that requests don't have");
  } else if (const auto index = static_cast<Pseudo>(known - kNames); has(index)) {
    fields_.FailMalformed("a pseudo-header field comes twice");
  } else {
    seen_ |= 1U << index;
    values_[index] = fields_.Copy(value);
  }
}

// As the first field, where HTTP/1 has it.
void RequestBlock::AddHost() {
  has_host_ = true;
  fields_.AddOwn(Known::kHost, values_[kAuthority]);
}

// RFC 9113 section 8.3.1.
void RequestBlock::CompareHost(std::string_view value) {
  if (host_came_) {
    fields_.FailMalformed("more than one Host");
  } else if (!EqualsIgnoreCase(value, values_[kAuthority])) {
    fields_.FailMalformed("Host and :authority differ");
  }
  host_came_ = true;
}

Fault RequestBlock::Finish(bool end) {
  if (has(kAuthority) && !has_host_) {
    AddHost();
  }
  Fault fault = fields_.Finish();
  FillFromPseudo();
  if (!fault) {
    fault = CheckPseudo(end);
  }
  if (!fault) {
    fault = SetAuthority({}, *head_);
  }
  if (!fault) {
    fault = SetFraming(end);
  }
  return fault ? fault : SetExpectation(*head_);
}

void RequestBlock::FillFromPseudo() {
  if (IsToken(values_[kMethod])) {
    head_->method_name = values_[kMethod];
    head_->method = ParseMethod(values_[kMethod]);
  }
  if (values_[kPath].starts_with('/') && AllOf(values_[kPath], kTargetByte)) {
    SetOriginForm(values_[kPath], *head_);
  }
  if (EqualsIgnoreCase(values_[kScheme], "https")) {
    head_->scheme = "https";
  }
}

Fault RequestBlock::CheckPseudo(bool end) {
  if (!IsToken(values_[kMethod])) {
    return Malformed(has(kMethod) ? "the method is not a token" : "no :method");
  }
  const bool connect = head_->method == Method::kConnect;
  if (has(kProtocol)) {
    if (!connect || !limits_.websocket) {
      return Malformed(connect ? "extended CONNECT, which was not offered"
                               : ":protocol in a request that is not CONNECT");
    }
  } else if (connect) {
    head_->target = values_[kAuthority];
    return has(kAuthority) && !has(kScheme) && !has(kPath)
               ? kNotServed
               : Malformed("CONNECT with :scheme or :path, or without :authority");
  }
  if (!EqualsIgnoreCase(values_[kScheme], head_->scheme)) {
    return Malformed(has(kScheme) ? "the scheme is neither http nor https" : "no :scheme");
  }
  if (Fault fault = CheckPath()) {
    return fault;
  }
  if (head_->method == Method::kTrace) {
    return kNotServed;
  }
  return has(kProtocol) ? TakeWebSocket(end) : Fault();
}

Fault RequestBlock::CheckPath() {
  const std::string_view path = values_[kPath];
  if (!AllOf(path, kTargetByte)) {
    return Malformed("the request target is empty or has bytes that no URI has");
  }
  if (path.front() == '/') [[likely]] {
    return {};
  }
  if (path != "*") {
    return Malformed("the request target is of no known form");
  }
  if (head_->method != Method::kOptions) {
    return Malformed("the request target is '*' and the method is not OPTIONS");
  }
  SetOriginForm(path, *head_);
  return {};
}

// RFC 8441 section 5; what HTTP/1 has for the same becomes of it.
Fault RequestBlock::TakeWebSocket(bool end) {
  if (!EqualsIgnoreCase(values_[kProtocol], kWebSocket)) {
    return {ErrorCode::kMethodNotSupported, "CONNECT for a protocol other than websocket"};
  }
  Headers& headers = head_->headers;
  const Field* version = headers.Find("sec-websocket-version");
  if (version == nullptr || headers.Next(*version) != nullptr || version->value != "13") {
    return Malformed("a request for WebSocket of a version other than 13");
  }
  if (!has(kAuthority) || end || headers.Has(Known::kContentLength)) {
    return Malformed("a request for WebSocket with content or END_STREAM, or without :authority");
  }
  headers.Remove("sec-websocket-key");
  headers.Remove("sec-websocket-accept");
  head_->method_name = "GET";
  head_->method = Method::kGet;
  head_->upgrade = kWebSocket;
  return {};
}

Fault RequestBlock::SetFraming(bool end) {
  if (Fault fault = ReadFraming(*head_)) {
    return fault;
  }
  if (head_->framing == Framing::kNone && !end && head_->upgrade.empty()) {
    head_->framing = Framing::kChunked;
  }
  return end && head_->framing == Framing::kLength && head_->content_length != 0
             ? Malformed("less content than Content-Length says")
             : Fault();
}

}  // namespace gatehouse::http
