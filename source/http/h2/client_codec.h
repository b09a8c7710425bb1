// SPDX-License-Identifier: Apache-2.0
// The client side of a connection of HTTP/2 (RFC 9113): many requests at a time.
#pragma once

#include <memory>
#include <string_view>

#include "source/base/buffer.h"
#include "source/http/codec.h"

namespace gatehouse::http {

// `events`, `sink` and `buffers` outlive the codec; `scheme` is the connection's, "http" or
// "https", and static. Callbacks come from within its calls, never otherwise, and must not destroy
// it. What it has to say first goes out with the first flush. What ClientCodec leaves open:
// - The head of a request is sent with the next flush, and may wait for the peer's limit of streams
//   to allow it.
// - An endpoint that answers before it has all of the request gets RST_STREAM (CANCEL) when the
//   owner has ended its request, and may send one itself; an owner that has not ended its request
//   by then gets OnReset() behind its whole response.
// - OnStreamDone() follows every stream's end but those by OnEof() and OnTransportLost().
std::unique_ptr<ClientCodec> NewH2ClientCodec(ClientCodec::Events& events, ByteSink& sink,
                                              BufferPool& buffers, const CodecLimits& limits,
                                              std::string_view scheme = "http");

}  // namespace gatehouse::http
