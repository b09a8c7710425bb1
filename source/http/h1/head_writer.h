// SPDX-License-Identifier: Apache-2.0
// Heads and trailer sections on their way out: always HTTP/1.1, framing and Connection written by
// us, hop-by-hop fields and those that Connection names left out (RFC 9110 section 7.6.1), all
// others as they are. Neighbouring lines nobody touched leave as one piece.
//
// Fields that were added here and would break the head (a value with a control character, a name
// that is no token) are left out too: whatever a filter copied from a token or a file can't split a
// message.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/message/framing.h"

namespace gatehouse::http {

// kWebSocket: "Connection: Upgrade" and "Upgrade: websocket".
enum class ConnectionField : uint8_t { kNone, kClose, kKeepAlive, kWebSocket };

// Host is written where the head has it; first, from head.authority, where it has none. A head with
// `upgrade` set asks for it. `more_lines`: further fields of ours, each with its CRLF.
void WriteRequestHead(const RequestHead& head, const FramingField& framing, ByteSink& sink,
                      std::string_view more_lines = {});

void WriteResponseHead(const ResponseHead& head, const FramingField& framing,
                       ConnectionField connection, ByteSink& sink,
                       std::string_view more_lines = {});

// The fields and the empty line.
void WriteTrailerSection(const Headers& trailers, ByteSink& sink);

}  // namespace gatehouse::http
