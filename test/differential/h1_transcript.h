// SPDX-License-Identifier: Apache-2.0
// What the HTTP/1 codecs make of a connection's bytes, written down: every whole message, where it
// ends, and how the connection ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/message/head.h"

namespace gatehouse::http {

struct WrittenField {
  std::string name;
  std::string value;
  friend bool operator==(const WrittenField&, const WrittenField&) = default;
};

struct WrittenMessage {
  std::string method;  // Of a request.
  std::string target;
  std::string authority;
  int status = 0;  // Of a response.
  std::vector<int> informational;
  int minor_version = 0;
  std::vector<WrittenField> fields;
  std::string body;
  std::vector<WrittenField> trailers;
  size_t end = 0;         // Bytes from the connection's first to the message's last.
  bool reusable = false;  // Of a response: whether the connection takes another request.
  friend bool operator==(const WrittenMessage&, const WrittenMessage&) = default;
};

struct Transcript {
  // Whole messages, and nothing of one that is not whole.
  std::vector<WrittenMessage> messages;
  // clean: the bytes end where a message does. closed: the codec reads no further. incomplete: they
  // end within a message. refused: they are no message.
  std::string outcome;
  std::string why;  // Of refused.
  friend bool operator==(const Transcript&, const Transcript&) = default;
};

// The requests that `bytes` hold, each answered with 200 as soon as it is whole. `cuts` are where
// the bytes are parted, ascending, as if they came in so many pieces.
Transcript ReadRequests(std::string_view bytes, const std::vector<size_t>& cuts);
// The one response to `method`, GET or HEAD.
Transcript ReadResponse(std::string_view bytes, const std::vector<size_t>& cuts, Method method);

}  // namespace gatehouse::http
