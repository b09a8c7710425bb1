// SPDX-License-Identifier: Apache-2.0
// The opening handshake of WebSocket over HTTP/1.1 (RFC 6455 section 4), as a gateway sees it.
#pragma once

#include "source/http/message/head.h"

namespace gatehouse::http {

// Whether `head` is a well-formed request for WebSocket alone: GET of HTTP/1.1 without content,
// "upgrade" among its connection options, one Upgrade field that says "websocket" and nothing else,
// one key of 16 bytes, version 13.
bool IsWebSocketRequest(const RequestHead& head);

// Whether `response`, a 101, accepts what `request` asked for: Upgrade and Connection say so, and
// Sec-WebSocket-Accept was made from the request's key.
bool AcceptsWebSocket(const RequestHead& request, const ResponseHead& response);

}  // namespace gatehouse::http
