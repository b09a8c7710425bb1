// SPDX-License-Identifier: Apache-2.0
// Content-Length against the DATA that comes (RFC 9113 section 8.1.1): a peer that says one and
// sends the other means one message to us and another to somebody behind us.
#pragma once

#include <cstdint>

#include "source/http/message/head.h"

namespace gatehouse::http {

class ContentCount {
 public:
  // What a head says. `none`: there can't be any content (answers to HEAD, 204, 304; END_STREAM
  // with the head is told by Take(0, true)).
  void Begin(Framing framing, uint64_t content_length, bool none = false) {
    counts_ = none || framing == Framing::kLength;
    left_ = none || framing != Framing::kLength ? 0 : content_length;
  }

  // `bytes` of content, without padding, have come; `end`: nothing follows (trailers may). Null, or
  // why the message is malformed: stream error PROTOCOL_ERROR.
  const char* Take(uint64_t bytes, bool end) {
    if (!counts_) {
      return nullptr;
    }
    if (bytes > left_) {
      return "more content than Content-Length says";
    }
    left_ -= bytes;
    return end && left_ != 0 ? "less content than Content-Length says" : nullptr;
  }

 private:
  uint64_t left_ = 0;
  bool counts_ = false;
};

}  // namespace gatehouse::http
