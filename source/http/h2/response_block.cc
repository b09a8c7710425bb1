// SPDX-License-Identifier: Apache-2.0
#include "source/base/text.h"
#include "source/http/h2/header_block.h"
#include "source/http/message/framing.h"

namespace gatehouse::http {
namespace {

Fault Malformed(const char* reason) { return {ErrorCode::kMalformedResponse, reason}; }

// Three digits from 100 to 599, or 0.
uint16_t ParseStatus(std::string_view text) {
  if (text.size() != 3 || text[0] < '1' || text[0] > '5' || !IsDigit(text[1]) ||
      !IsDigit(text[2])) {
    return 0;
  }
  return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

}  // namespace

void ResponseBlock::Begin(ResponseHead& head, Method method, bool upgrade) {
  head_ = &head;
  method_ = method;
  upgrade_ = upgrade;
  has_status_ = false;
  fields_.Begin(head.headers, FieldOrigin::kResponse);
}

void ResponseBlock::Add(std::string_view name, std::string_view value, bool never_indexed) {
  if (!fields_.Count(name, value)) {
    return;
  }
  if (!name.starts_with(':')) {
    fields_.Add(name, value, never_indexed);
    return;
  }
  if (fields_.has_fields()) {
    fields_.FailMalformed("a pseudo-header field comes behind other fields");
  } else if (name != ":status") {
    fields_.FailMalformed("a pseudo-header field that responses don't have");
  } else if (has_status_) {
    fields_.FailMalformed("a pseudo-header field comes twice");
  } else {
    has_status_ = true;
    head_->status = ParseStatus(value);
    if (head_->status == 0) {
      fields_.FailMalformed("the status is not a number from 100 to 599");
    }
  }
}

Fault ResponseBlock::Finish(bool end) {
  if (Fault fault = fields_.Finish()) {
    return fault;
  }
  if (!has_status_) {
    return Malformed("no :status");
  }
  if (head_->status == 101) {
    return Malformed("status 101, which HTTP/2 does not have");
  }
  if (head_->status < 200 && end) {
    return Malformed("an informational response ends the stream");
  }
  if (upgrade_ && head_->status >= 200 && head_->status < 300) {
    head_->status = 101;
    head_->headers.Remove(Known::kContentLength);
    head_->headers.Remove("sec-websocket-accept");
    return {};
  }
  if (Fault fault = ReadFraming(*head_, method_)) {
    return fault;
  }
  if (head_->framing == Framing::kUntilClose) {
    head_->framing = end ? Framing::kNone : Framing::kChunked;
  }
  const bool too_short = end && head_->framing == Framing::kLength && head_->content_length != 0 &&
                         MayHaveContent(method_, head_->status);
  return too_short ? Malformed("less content than Content-Length says") : Fault();
}

void TrailerBlock::Begin(Headers& trailers, FieldOrigin origin) {
  trailers_ = &trailers;
  fields_.Begin(trailers, origin);
}

void TrailerBlock::Add(std::string_view name, std::string_view value, bool never_indexed) {
  if (!fields_.Count(name, value)) {
    return;
  }
  if (name.starts_with(':')) {
    fields_.FailMalformed("a pseudo-header field in trailers");
    return;
  }
  fields_.Add(name, value, never_indexed);
}

Fault TrailerBlock::Finish(bool end) {
  if (!end) {
    fields_.FailMalformed("trailers that do not end the stream");
  }
  const Fault fault = fields_.Finish();
  RemoveForbiddenTrailers(*trailers_);
  return fault;
}

}  // namespace gatehouse::http
