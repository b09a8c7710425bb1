// SPDX-License-Identifier: Apache-2.0
// HTTP/1.x from clients (RFC 9112). One request at a time: what is pipelined behind it stays with
// the connection until its response is out.
#pragma once

#include <memory>

#include "source/http/codec.h"

namespace gatehouse::http {

// `events`, `sink` and `limits` outlive the codec. Callbacks come from within its calls, never
// otherwise, and must not destroy it. What ServerCodec leaves open:
// - A stream ends with Events::OnStreamDone() when its response is complete. Where the request is
//   not whole by then, OnCloseWanted(false) follows, since what still comes can't be told apart.
// - StreamSender::Reset() and OnReset() with kClientGone, or after the response has begun, end it
//   without OnStreamDone(); OnCloseWanted() follows. OnTransportLost() causes OnReset() alone.
// - OnEof() may be called while input is left over: it takes effect once that has been taken.
std::unique_ptr<ServerCodec> NewH1ServerCodec(ServerCodec::Events& events, ByteSink& sink,
                                              const CodecLimits& limits);
std::unique_ptr<ServerCodec> NewH1ServerCodec(ServerCodec::Events& events, ByteSink& sink,
                                              CodecLimits&& limits) = delete;

}  // namespace gatehouse::http
