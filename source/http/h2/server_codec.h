// SPDX-License-Identifier: Apache-2.0
// The server side of a connection of HTTP/2 (RFC 9113).
#pragma once

#include <memory>

#include "source/base/buffer.h"
#include "source/http/codec.h"

namespace gatehouse::http {

// `events`, `sink`, `buffers` and `limits` outlive the codec. Callbacks come from within its calls,
// never otherwise, and must not destroy it. What it has to say first (SETTINGS) goes out with the
// first flush. What ServerCodec leaves open:
// - OnStream() comes with a header block's first byte; its head, or its refusal, with the last.
// - A stream ends with Events::OnStreamDone() when its response has been handed to the sink, and
//   with OnReset(kClientGone) in all other cases but Reset(), also after OnRefused(). A request
//   that is not whole by then is cut off (NO_ERROR); one that was malformed ends with
//   PROTOCOL_ERROR behind its answer.
// - Until the next flush heads are not copied, and TakeBack() is possible.
// - CloseAfterResponse() is Drain(): GOAWAY.
// - A response that has been handed over whole, and none of whose content the client's windows let
//   out for `patience`, is cut off: RST_STREAM with CANCEL. 0: never. OnTick() finds that out.
std::unique_ptr<ServerCodec> NewH2ServerCodec(ServerCodec::Events& events, ByteSink& sink,
                                              BufferPool& buffers, const CodecLimits& limits,
                                              Duration patience = {});

}  // namespace gatehouse::http
