// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/framing.h"

#include <limits>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

// Whether `value` is a list of codings, spelled plainly, of which `chunked` is the last and only
// the last: understood, though not supported.
bool IsListEndingInChunked(std::string_view value) {
  bool chunked_last = false;
  while (true) {
    const size_t comma = value.find(',');
    const std::string_view coding = TrimOws(value.substr(0, comma));
    if (!IsToken(coding) || chunked_last) {
      return false;
    }
    chunked_last = EqualsIgnoreCase(coding, "chunked");
    if (comma == std::string_view::npos) {
      return chunked_last;
    }
    value.remove_prefix(comma + 1);
  }
}

struct FramingFields {
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
};

// Reads the two fields. Faults carry kMalformedRequest or kUnsupportedCoding.
Fault ReadFields(const Headers& headers, bool http10, FramingFields& out) {
  const Field* coding = headers.Find(Known::kTransferEncoding);
  const Field* length = headers.Find(Known::kContentLength);
  if (coding != nullptr) {
    if (length != nullptr) {
      return {ErrorCode::kMalformedRequest, "both Transfer-Encoding and Content-Length"};
    }
    if (http10) {
      return {ErrorCode::kMalformedRequest, "Transfer-Encoding in HTTP/1.0"};
    }
    if (headers.Next(*coding) != nullptr) {
      return {ErrorCode::kMalformedRequest, "more than one Transfer-Encoding"};
    }
    if (!EqualsIgnoreCase(coding->value, "chunked")) {
      return IsListEndingInChunked(coding->value)
                 ? Fault{ErrorCode::kUnsupportedCoding, "a transfer coding other than chunked"}
                 : Fault{ErrorCode::kMalformedRequest, "Transfer-Encoding is not 'chunked'"};
    }
    out.framing = Framing::kChunked;
    return {};
  }
  if (length != nullptr) {
    if (headers.Next(*length) != nullptr) {
      return {ErrorCode::kMalformedRequest, "more than one Content-Length"};
    }
    // Beyond what others keep in a signed integer, a length means different things to them.
    constexpr uint64_t kMaxLength = std::numeric_limits<int64_t>::max();
    const auto bytes = ParseUint(length->value);
    if (!bytes || *bytes > kMaxLength) {
      return {ErrorCode::kMalformedRequest, "Content-Length is not a number of bytes"};
    }
    out.framing = Framing::kLength;
    out.content_length = *bytes;
  }
  return {};
}

}  // namespace

Fault ReadFraming(RequestHead& head) {
  FramingFields fields;
  const Fault fault = ReadFields(head.headers, head.version == Version::kHttp10, fields);
  head.framing = fields.framing;
  head.content_length = fields.content_length;
  return fault;
}

Fault ReadFraming(ResponseHead& head, Method method) {
  FramingFields fields;
  if (Fault fault = ReadFields(head.headers, head.minor_version == 0, fields)) {
    fault.code = ErrorCode::kMalformedResponse;
    return fault;
  }
  head.content_length = fields.content_length;
  if (MayHaveContent(method, head.status)) {
    head.framing = fields.framing == Framing::kNone ? Framing::kUntilClose : fields.framing;
    return {};
  }
  // HEAD and 304 tell what GET would have got; in 1xx and 204 a length is void (RFC 9110 8.6).
  const bool length_counts = head.status == 304 || (head.status >= 200 && head.status != 204);
  if (fields.framing == Framing::kLength && length_counts) {
    head.framing = Framing::kLength;
  } else {
    head.framing = Framing::kNone;
    head.content_length = 0;
  }
  return {};
}

FramingField FramingOf(const ResponseHead& head, const RequestHead& request, bool end) {
  if (head.framing == Framing::kLength && head.status >= 200 && head.status != 204) {
    return {Framing::kLength, head.content_length};
  }
  if (!MayHaveContent(request.method, head.status)) {
    return {};
  }
  if (end) {
    return {Framing::kLength, 0};
  }
  return {request.version == Version::kHttp10 ? Framing::kUntilClose : Framing::kChunked, 0};
}

bool MayHaveContent(Method method, uint16_t status) {
  return method != Method::kHead && status >= 200 && status != 204 && status != 304;
}

}  // namespace gatehouse::http
