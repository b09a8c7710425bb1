// SPDX-License-Identifier: Apache-2.0
// Any frames from a client behind its preface, whole and in small pieces: whatever they are, every
// stream ends, and a connection that is given up for abuse says so.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "source/base/check.h"
#include "test/http/h2/raw_server.h"

namespace gatehouse::http {
namespace {

void Run(std::string_view frames, size_t step) {
  CodecLimits limits;
  limits.websocket = true;
  RawServer server(100, limits);
  for (size_t at = 0; at < frames.size() && server.Send(frames.substr(at, step)); at += step) {
  }
  GATEHOUSE_CHECK(server.goaway != NGHTTP2_ENHANCE_YOUR_CALM || !server.faults.empty(),
                  "the connection ends for abuse, and nobody is told");
  GATEHOUSE_CHECK(server.faults.size() <= 1, "a connection ends twice");
  server.Lose();
  GATEHOUSE_CHECK(server.open_streams() == 0, "a stream outlives its connection");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frames(reinterpret_cast<const char*>(data), size);
  Run(frames, std::max<size_t>(size, 1));
  Run(frames, 7);
  return 0;
}

}  // namespace gatehouse::http
