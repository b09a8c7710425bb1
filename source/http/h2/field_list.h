// SPDX-License-Identifier: Apache-2.0
// Heads and trailers on their way out, as nghttp2 takes them: pseudo-header fields first, names in
// lower case, framing written by us, hop-by-hop fields and those that Connection names left out,
// and so is whatever was added here and would be malformed (RFC 9113 section 8.2).
//
// Nothing is copied: names and values are static, in the head or in its arena, and so are the flags
// (NO_COPY). nghttp2 reads them when it serialises the frame: that must be done, or the frame be
// dropped, before the stream's arena goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "source/http/message/framing.h"
#include "source/http/message/head.h"

namespace gatehouse::http {

// What a call returns lies in the head's arena; this object may go.
class FieldList {
 public:
  using Pairs = std::span<const nghttp2_nv>;

  // `scheme` is static: "http" or "https", of the connection that this goes out on. A head with
  // `upgrade` becomes extended CONNECT (RFC 8441): END_STREAM must not be set.
  Pairs Request(const RequestHead& head, std::string_view scheme);
  // A final response; content-length as FramingOf() says. 101 becomes 200: a tunnel.
  Pairs Response(const ResponseHead& head, const RequestHead& request, bool end);
  // 1xx other than 101.
  Pairs Informational(const ResponseHead& head);
  // Empty when nothing of them may be sent: then the stream ends without.
  Pairs Trailers(const Headers& trailers);

 private:
  // Takes room for the pairs in the arena of `headers`.
  void Begin(const Headers& headers);
  void Put(std::string_view name, std::string_view value, uint8_t more_flags = 0);
  void PutStatus(uint16_t status);
  void PutLength(uint64_t length, Arena& arena);
  // Without those named `left_out`.
  void PutFields(const Headers& headers, std::string_view left_out);

  nghttp2_nv* pairs_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gatehouse::http
