// SPDX-License-Identifier: Apache-2.0
// What nghttp2 calls, and how it is set up.
#pragma once

#include <nghttp2/nghttp2.h>

#include "source/http/codec.h"
#include "source/http/h2/frame_memory.h"

namespace gatehouse::http {

class Session;

// Null when there is no memory. nghttp2_session_del() ends it; `memory` and `session` outlive it.
nghttp2_session* NewNghttp2Session(bool server, const CodecLimits& limits, FrameMemory& memory,
                                   Session& session);

// For messages whose content is in their StreamState.
nghttp2_data_provider ContentProvider();

}  // namespace gatehouse::http
