// SPDX-License-Identifier: Apache-2.0
// Where a message's content ends, as its head says (RFC 9112 section 6.3). Two readings of it are
// how requests and responses are smuggled, so whatever could be read in two ways is refused.
#pragma once

#include <cstdint>

#include "source/http/message/head.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// Sets head.framing and head.content_length. Refused: Transfer-Encoding in HTTP/1.0, together with
// Content-Length, twice, or as anything but `chunked`; Content-Length twice or as anything but
// one number.
Fault ReadFraming(RequestHead& head);

// The same for the answer to a `method` request. An answer that can't have content (to HEAD, 1xx,
// 204, 304) keeps the length its fields claim, where that means something.
Fault ReadFraming(ResponseHead& head, Method method);

// The framing field of a head to be written: Content-Length for kLength, Transfer-Encoding for
// kChunked.
struct FramingField {
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
};

// What the head of an answer to `request` says of its content (RFC 9112 section 6.3, RFC 9110
// section 8.6). `end`: there is none.
FramingField FramingOf(const ResponseHead& head, const RequestHead& request, bool end);

// Whether an answer with `status` to a `method` request may have content (RFC 9110 section 6.4.1).
bool MayHaveContent(Method method, uint16_t status);

}  // namespace gatehouse::http
