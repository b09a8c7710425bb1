// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/server_codec.h"

#include "source/base/check.h"

namespace gatehouse::http {

std::unique_ptr<ServerCodec> NewH2ServerCodec(ServerCodec::Events&, ByteSink&, BufferPool&,
                                              const CodecLimits&) {
  GATEHOUSE_CHECK(false, "HTTP/2 is not built yet");
  return nullptr;
}

}  // namespace gatehouse::http
