// SPDX-License-Identifier: Apache-2.0
// The opening handshake of WebSocket over HTTP/1.1 (RFC 6455 section 4), as a gateway sees it.
#pragma once

#include <string>
#include <string_view>

#include "source/http/message/head.h"

namespace gatehouse::http {

// Whether `head` is a well-formed request for WebSocket alone: GET of HTTP/1.1 without content,
// "upgrade" among its connection options, one Upgrade field that says "websocket" and nothing else,
// one key of 16 bytes, version 13.
bool IsWebSocketRequest(const RequestHead& head);

// Whether `response`, a 101, accepts a request that had `key`: Upgrade and Connection say so, and
// Sec-WebSocket-Accept was made from that key.
bool AcceptsWebSocket(std::string_view key, const ResponseHead& response);

// A request for WebSocket over HTTP/2 has no key, nor its answer an accept (RFC 8441 section 5):
// they are made where such a request leaves, or its answer arrives, in HTTP/1.

// The key among `headers`; empty when there isn't exactly one.
std::string_view WebSocketKey(const Headers& headers);
// A key that nobody has used (RFC 6455 section 4.1).
std::string NewWebSocketKey();
// What Sec-WebSocket-Accept says to `key` (RFC 6455 section 4.2.2).
std::string WebSocketAccept(std::string_view key);
// Whether the answer says it itself.
bool HasWebSocketAccept(const Headers& headers);

}  // namespace gatehouse::http
