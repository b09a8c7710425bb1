// SPDX-License-Identifier: Apache-2.0
// Any chunked content: it reads the same in one piece and byte by byte, and what was read, written
// out and read again, is the same once more.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/body_writer.h"
#include "source/http/h1/field_parser.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

struct Content {
  std::string data;
  std::string trailers;
  bool ended = false;
  bool faulty = false;
  size_t used = 0;  // Of the input, when ended.

  bool operator==(const Content&) const = default;
};

bool AreSound(std::string_view trailers) {
  ArenaPool pool;
  Arena arena(pool);
  Headers headers(arena);
  return trailers.empty() || !ParseTrailers(trailers, FieldOrigin::kRequest, 100, headers);
}

Content Read(std::string_view input, size_t step) {
  BodyReader reader;
  reader.Begin(Framing::kChunked, 0);
  Content content;
  size_t available = 0;
  while (!content.ended && !content.faulty && available < input.size()) {
    available = std::min(available + step, input.size());
    while (!content.ended && content.used < available) {
      const std::string_view rest = input.substr(content.used, available - content.used);
      const BodyReader::Piece piece = reader.Next(rest, rest.size());
      GATEHOUSE_CHECK(piece.used <= rest.size(), "more was used than there is");
      if (piece.fault != nullptr) {
        content.faulty = true;
        break;
      }
      content.used += piece.used;
      content.data += piece.data;
      content.trailers += piece.trailers;
      content.ended = piece.end || !piece.trailers.empty();
      if (piece.used == 0) {
        break;
      }
    }
  }
  if (!AreSound(content.trailers)) {
    content.ended = false;
    content.faulty = true;
  }
  return content;
}

void CheckContent(std::string_view input) {
  const Content whole = Read(input, input.size());
  const Content bytewise = Read(input, 1);
  GATEHOUSE_CHECK(whole.ended == bytewise.ended && whole.faulty == bytewise.faulty,
                  "the pieces in which content arrives change what it is");
  if (!whole.ended) {
    return;
  }
  GATEHOUSE_CHECK(whole == bytewise, "the pieces in which content arrives change it");
  StringSink sink;
  BodyWriter writer;
  writer.Begin(Framing::kChunked, 0);
  writer.Write(whole.data, true, sink);
  const Content again = Read(sink.bytes(), sink.bytes().size());
  GATEHOUSE_CHECK(again.ended && again.data == whole.data && again.used == sink.bytes().size(),
                  "what is forwarded is not what was read");
}

}  // namespace
}  // namespace gatehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::http::CheckContent({reinterpret_cast<const char*>(data), size});
  return 0;
}
