// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 to endpoints (RFC 9112). One request at a time, never pipelined.
#pragma once

#include <memory>

#include "source/http/codec.h"

namespace gatehouse::http {

// `events` and `sink` outlive the codec. Callbacks come from within its calls, never otherwise, and
// must not destroy it. What ClientCodec leaves open:
// - The connection is to be closed after OnStreamDone(reusable = false) or OnCloseWanted(), of
// which
//   there is one, not both. OnTransportLost() causes at most the stream's end.
// - An answer may be whole before the request is: the stream then lasts until the owner ends its
//   request or the connection is lost, after which OnStreamDone(reusable = false) comes, or resets
//   it.
// - OnEof() may be called while input is left over: it takes effect once that has been taken.
std::unique_ptr<ClientCodec> NewH1ClientCodec(ClientCodec::Events& events, ByteSink& sink,
                                              const CodecLimits& limits);

}  // namespace gatehouse::http
