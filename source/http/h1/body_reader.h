// SPDX-License-Identifier: Apache-2.0
// The content of one message, read from the bytes after its head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/h1/chunk_decoder.h"
#include "source/http/message/head.h"

namespace gatehouse::http {

class BodyReader {
 public:
  // Begins a message. REQUIRES: framing is not kNone; `length` is for kLength and not 0.
  void Begin(Framing framing, uint64_t length);

  // What Next() found at the front of its input.
  struct Piece {
    size_t used = 0;            // Bytes taken.
    std::string_view data;      // A view into the input.
    bool end = false;           // The message ends with `data`.
    std::string_view trailers;  // The whole trailer section, empty line included; ends the message.
    const char* fault = nullptr;
  };
  // The next piece of content, at most `room` bytes. Sees the end in the same call when the input
  // holds it, so that the last data and the end can be forwarded together. A piece with nothing in
  // it and nothing used: more input is needed.
  Piece Next(std::string_view input, size_t room);

  // Whether the peer's close ends the message well.
  bool ends_at_close() const { return framing_ == Framing::kUntilClose; }

 private:
  Piece NextChunked(std::string_view input, size_t room);
  void TakeTrailers(std::string_view input, Piece& piece);

  Framing framing_ = Framing::kNone;
  uint32_t trailers_scanned_ = 0;  // Of a trailer section that is not whole yet.
  uint64_t left_ = 0;              // For kLength.
  ChunkDecoder chunks_;
};

}  // namespace gatehouse::http
