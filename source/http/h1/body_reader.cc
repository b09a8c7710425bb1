// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/body_reader.h"

#include <algorithm>

#include "source/http/h1/head_scanner.h"

namespace gatehouse::http {

void BodyReader::Begin(Framing framing, uint64_t length) {
  framing_ = framing;
  left_ = length;
  trailers_scanned_ = 0;
  chunks_ = ChunkDecoder();
}

BodyReader::Piece BodyReader::Next(std::string_view input, size_t room) {
  if (framing_ == Framing::kChunked) {
    return NextChunked(input, room);
  }
  Piece piece;
  piece.used = std::min(input.size(), room);
  if (framing_ == Framing::kLength) {
    piece.used = std::min<uint64_t>(piece.used, left_);
    left_ -= piece.used;
    piece.end = left_ == 0;
  }
  piece.data = input.substr(0, piece.used);
  return piece;
}

BodyReader::Piece BodyReader::NextChunked(std::string_view input, size_t room) {
  Piece piece;
  piece.used = chunks_.TakeFraming(input);
  if (chunks_.data_left() > 0) {
    const size_t bytes =
        std::min<uint64_t>(std::min(input.size() - piece.used, room), chunks_.data_left());
    piece.data = input.substr(piece.used, bytes);
    if (bytes > 0) {
      chunks_.TakeData(bytes);
    }
    piece.used += bytes;
    piece.used += chunks_.TakeFraming(input.substr(piece.used));
  }
  piece.fault = chunks_.fault();
  if (chunks_.at_trailers()) {
    TakeTrailers(input.substr(piece.used), piece);
  }
  return piece;
}

// After the last chunk: an empty line, or a trailer section.
void BodyReader::TakeTrailers(std::string_view input, Piece& piece) {
  if (input.starts_with("\r\n") && trailers_scanned_ == 0) {
    piece.used += 2;
    piece.end = true;
    return;
  }
  if (!piece.data.empty() || input.empty() || input == "\r") {
    return;
  }
  const HeadScan scan = ScanHead(input, trailers_scanned_);
  switch (scan.outcome) {
    case HeadScan::Outcome::kBadByte:
      piece.fault = "the trailer section has a control character or a line not ended by CRLF";
      break;
    case HeadScan::Outcome::kIncomplete:
      trailers_scanned_ = static_cast<uint32_t>(scan.at);
      break;
    case HeadScan::Outcome::kWhole:
      piece.trailers = input.substr(0, scan.at);
      piece.used += scan.at;
      break;
  }
}

}  // namespace gatehouse::http
