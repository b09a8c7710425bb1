// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/response_parser.h"

#include "source/base/text.h"
#include "source/http/h1/field_parser.h"
#include "source/http/message/framing.h"

namespace gatehouse::http {
namespace {

Fault Malformed(const char* reason) { return {ErrorCode::kMalformedResponse, reason}; }

// status-line = HTTP-version SP 3DIGIT SP [ reason-phrase ]. Servers that leave out the last space
// with the phrase are common, and nothing else could be meant.
Fault ParseStatusLine(std::string_view line, ResponseHead& head) {
  constexpr size_t kStatusAt = 9;
  constexpr size_t kReasonAt = kStatusAt + 3;
  const bool known_version = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  if (!known_version) {
    return Malformed("the response does not begin with HTTP/1.1 or HTTP/1.0");
  }
  head.minor_version = line[7] - '0';
  if (line.size() < kReasonAt || line[kStatusAt] < '1' || line[kStatusAt] > '5' ||
      !IsDigit(line[kStatusAt + 1]) || !IsDigit(line[kStatusAt + 2])) {
    return Malformed("the status is not a number from 100 to 599");
  }
  head.status = (line[kStatusAt] - '0') * 100 + (line[kStatusAt + 1] - '0') * 10 +
                (line[kStatusAt + 2] - '0');
  if (line.size() > kReasonAt) {
    if (line[kReasonAt] != ' ') {
      return Malformed("the status is not a number of three digits");
    }
    head.reason = line.substr(kReasonAt + 1);
  }
  return {};
}

}  // namespace

Fault ParseResponseHead(std::string_view bytes, Method method, const CodecLimits& limits,
                        ResponseHead& head) {
  LineReader lines(CopyWithPadding(bytes, head.headers.arena()));
  std::string_view line;
  if (!lines.Next(line)) {
    return Malformed("the status line has a control character or is not ended by CRLF");
  }
  if (Fault fault = ParseStatusLine(line, head)) {
    return fault;
  }
  if (Fault fault = ParseFields(lines, FieldOrigin::kResponse, limits.max_headers, head.headers)) {
    return fault;
  }
  return ReadFraming(head, method);
}

}  // namespace gatehouse::http
