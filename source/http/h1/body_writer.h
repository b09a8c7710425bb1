// SPDX-License-Identifier: Apache-2.0
// The content of one message, written behind its head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/codec.h"

namespace gatehouse::http {

class BodyWriter {
 public:
  // Begins a message: kNone drops what is written, kLength never lets more than `length` through.
  void Begin(Framing framing, uint64_t length) {
    framing_ = framing;
    left_ = framing == Framing::kLength ? length : 0;
  }

  // Writes `data`, and the last chunk with it when `end`.
  void Write(std::string_view data, bool end, ByteSink& sink);
  // Ends the message with `trailers`, without those that must not be there; only the chunked coding
  // can carry them.
  void WriteTrailers(const Headers& trailers, ByteSink& sink);

  // Whether content goes out with nothing around it; `bytes` of it went another way.
  bool is_raw() const { return framing_ == Framing::kLength; }
  void Skip(uint64_t bytes) { left_ -= bytes; }

  // Whether only the connection's end tells the content's.
  bool ends_at_close() const { return framing_ == Framing::kUntilClose; }
  // Whether less was written than declared: the message must not look whole.
  bool is_short() const { return left_ > 0; }

 private:
  void WriteChunk(std::string_view data, bool end, ByteSink& sink);

  Framing framing_ = Framing::kNone;
  uint64_t left_ = 0;
};

}  // namespace gatehouse::http
