// SPDX-License-Identifier: Apache-2.0
// The client side of a connection of HTTP/2 (RFC 9113).
#pragma once

#include <memory>

#include "source/base/buffer.h"
#include "source/http/codec.h"

namespace gatehouse::http {

// `limits` and `buffers` outlive the codec. What it has to say first (SETTINGS) goes out with the
// first flush.
std::unique_ptr<ClientCodec> NewH2ClientCodec(ClientCodec::Events& events, ByteSink& sink,
                                              BufferPool& buffers, const CodecLimits& limits);

}  // namespace gatehouse::http
