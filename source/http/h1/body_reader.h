// SPDX-License-Identifier: Apache-2.0
// The content of one message, read from the bytes after its head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/h1/chunk_decoder.h"
#include "source/http/message/head.h"

namespace gatehouse::http {

// How much is read at once while a head is awaited: what follows it may then still go another way
// than through our memory.
inline constexpr size_t kHeadRead = 16 * 1024;

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

  // How many bytes are of use now, of which `room` of content: no more than the message has, and a
  // little of what follows, so that a read that comes back short tells that nothing does.
  size_t Room(size_t room) const {
    return framing_ == Framing::kLength && left_ <= room ? left_ + kBeyond : room;
  }
  // How many of the next bytes are content with nothing around it.
  uint64_t raw() const { return framing_ == Framing::kLength ? left_ : 0; }
  // As many went another way. Whether the message ends with them.
  bool Skip(uint64_t bytes) {
    left_ -= bytes;
    return left_ == 0;
  }

  // Whether the peer's close ends the message well.
  bool ends_at_close() const { return framing_ == Framing::kUntilClose; }

 private:
  static constexpr size_t kBeyond = 512;

  Piece NextChunked(std::string_view input, size_t room);
  void TakeTrailers(std::string_view input, Piece& piece);

  Framing framing_ = Framing::kNone;
  uint32_t trailers_scanned_ = 0;  // Of a trailer section that is not whole yet.
  uint64_t left_ = 0;              // For kLength.
  ChunkDecoder chunks_;
};

}  // namespace gatehouse::http
