// SPDX-License-Identifier: Apache-2.0
// The heads of requests and responses, the same for every version of HTTP.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/message/headers.h"

namespace gatehouse::http {

enum class Method : uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kOther,
};

Method ParseMethod(std::string_view name);  // Case-sensitive (RFC 9110 section 9.1).
// Whether sending the request twice is the same as once (RFC 9110 section 9.2.2).
bool IsIdempotent(Method method);

// As the client speaks it. What is sent on is written in the version of its own connection.
enum class Version : uint8_t { kHttp10, kHttp11, kHttp2 };

// How a message's content ends.
enum class Framing : uint8_t {
  kNone,        // There is none.
  kLength,      // After content_length bytes.
  kChunked,     // Self-delimited: chunked in HTTP/1.1, END_STREAM in HTTP/2.
  kUntilClose,  // Responses of HTTP/1 only (RFC 9112 section 6.3).
};

// All views live as long as the stream.
struct RequestHead {
  explicit RequestHead(Arena& arena) : headers(arena) {}

  std::string_view method_name;
  Method method = Method::kGet;
  Version version = Version::kHttp11;
  std::string_view scheme;     // "http" or "https".
  std::string_view authority;  // Host as sent (RFC 9110 section 7.2), port included.
  std::string_view host;       // Lower case, no port, no trailing dot; set with authority.
  // What is matched and forwarded, "/path?query" or "*" (OPTIONS). The codec sets it as received;
  // proxy/ normalises it before matching.
  std::string_view target;
  std::string_view path;   // Part of target before '?'.
  std::string_view query;  // After '?', without it; never changed.
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;    // For kLength.
  bool expects_continue = false;  // RFC 9110 section 10.1.1.
  // The protocol asked for, when the codec let it through. "websocket" is asked for by GET and
  // accepted with 101 whatever the versions are: codecs of HTTP/2 make an extended CONNECT and a
  // 200 of it (RFC 8441), and what RFC 6455 has beyond that is between each codec and its peer.
  std::string_view upgrade;
  Headers headers;
};

struct ResponseHead {
  explicit ResponseHead(Arena& arena) : headers(arena) {}

  uint16_t status = 200;
  uint8_t minor_version = 1;  // Of HTTP/1 as received; 1 for later versions.
  std::string_view reason;    // As received; the standard phrase when empty.
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  // For kLength; of a HEAD or 304 answer, only what the field says.
  Headers headers;
};

// The standard reason phrase (RFC 9110 section 15), "" for codes without one.
std::string_view ReasonPhrase(uint16_t status);

}  // namespace gatehouse::http
