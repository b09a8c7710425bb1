// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/body_writer.h"

#include <algorithm>
#include <charconv>

#include "source/http/h1/head_writer.h"
#include "source/http/h1/output.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr size_t kMaxSizeLine = 16 + 2;
// Up to here a chunk is put together in the sink's memory; above, its data goes in one Write().
constexpr size_t kMaxGathered = 16 * 1024;

}  // namespace

void BodyWriter::Write(std::string_view data, bool end, ByteSink& sink) {
  switch (framing_) {
    case Framing::kNone:
      break;
    case Framing::kLength:
      data = data.substr(0, std::min<uint64_t>(data.size(), left_));
      left_ -= data.size();
      [[fallthrough]];
    case Framing::kUntilClose:
      if (!data.empty()) {
        sink.Write(data);
      }
      break;
    case Framing::kChunked:
      WriteChunk(data, end, sink);
      break;
  }
}

void BodyWriter::WriteChunk(std::string_view data, bool end, ByteSink& sink) {
  if (data.empty()) {
    if (end) {
      sink.Write(kLastChunk);
    }
    return;
  }
  const std::string_view tail = end ? std::string_view("\r\n0\r\n\r\n") : kCrlf;
  const bool gather = data.size() <= kMaxGathered;
  char* const out = sink.Reserve(kMaxSizeLine + (gather ? data.size() + tail.size() : 0));
  char* at = std::to_chars(out, out + kMaxSizeLine, data.size(), 16).ptr;
  at = Put(at, kCrlf);
  if (gather) {
    at = Put(Put(at, data), tail);
  }
  sink.Commit(at - out);
  if (!gather) {
    sink.Write(data);
    sink.Write(tail);
  }
}

void BodyWriter::WriteTrailers(const Headers& trailers, ByteSink& sink) {
  if (framing_ != Framing::kChunked) {
    return;
  }
  sink.Write("0\r\n");
  WriteTrailerSection(trailers, sink);
}

}  // namespace gatehouse::http
