// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/chunk_decoder.h"

#include <limits>

#include "source/base/text.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {
namespace {

constexpr uint8_t kMaxDigits = 16;
// Others keep sizes in signed integers; a larger one would mean something else to them.
constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max();

bool IsTokenByte(char c) { return (ByteClass(c) & kTokenByte) != 0; }

}  // namespace

size_t ChunkDecoder::TakeFraming(std::string_view input) {
  size_t used = 0;
  while (used < input.size() && state_ != State::kData && state_ != State::kTrailers &&
         state_ != State::kFaulty) {
    state_ = Step(input[used]);
    ++used;
  }
  return used;
}

void ChunkDecoder::TakeData(size_t bytes) {
  left_ -= bytes;
  if (left_ == 0) {
    state_ = State::kDataCr;
  }
}

ChunkDecoder::State ChunkDecoder::Step(char c) {
  switch (state_) {
    case State::kFirstDigit:
      left_ = 0;
      digits_ = 0;
      return HexDigit(c) < 0 ? Fail("a chunk does not begin with its size") : TakeDigit(c);
    case State::kDigits:
      return HexDigit(c) < 0 ? EndOfElement(c, false) : TakeDigit(c);
    case State::kNameStart:
      return IsTokenByte(c) ? State::kName : Fail("a chunk extension has no name");
    case State::kName:
      return EndOfElement(c, true);
    case State::kValueStart:
      return c == '"'         ? State::kQuoted
             : IsTokenByte(c) ? State::kToken
                              : Fail("a chunk extension has no value");
    case State::kToken:
    case State::kQuotedEnd:
      return EndOfElement(c, false);
    case State::kQuoted:
    case State::kEscaped:
      return TakeQuoted(c);
    case State::kSizeLf:
      return c != '\n'    ? Fail("a chunk's size line has a bare CR")
             : left_ == 0 ? State::kTrailers
                          : State::kData;
    case State::kDataCr:
      return c == '\r' ? State::kDataLf : Fail("a chunk is longer than its size");
    case State::kDataLf:
      return c == '\n' ? State::kFirstDigit : Fail("a chunk's data is followed by a bare CR");
    case State::kData:
    case State::kTrailers:
    case State::kFaulty:
      break;
  }
  return state_;
}

ChunkDecoder::State ChunkDecoder::TakeDigit(char c) {
  left_ = left_ << 4 | static_cast<uint64_t>(HexDigit(c));
  if (++digits_ > kMaxDigits || left_ > kMaxSize) {
    return Fail("a chunk's size is too large");
  }
  return State::kDigits;
}

// After a size, an extension's name or its value: more of the name or token, the next extension or
// the end of the line. No whitespace: RFC 9112 section 7.1.1 calls it bad and readers differ on it.
ChunkDecoder::State ChunkDecoder::EndOfElement(char c, bool may_have_value) {
  if (c == '\r') {
    return State::kSizeLf;
  }
  if (++extension_bytes_ > kMaxExtensionBytes) {
    return Fail("too many bytes of chunk extensions");
  }
  if (c == ';') {
    return State::kNameStart;
  }
  if (c == '=' && may_have_value) {
    return State::kValueStart;
  }
  if (IsTokenByte(c) && (state_ == State::kName || state_ == State::kToken)) {
    return state_;
  }
  return Fail("a chunk's size is followed by bytes that are no extension");
}

ChunkDecoder::State ChunkDecoder::TakeQuoted(char c) {
  if (++extension_bytes_ > kMaxExtensionBytes) {
    return Fail("too many bytes of chunk extensions");
  }
  const auto byte = static_cast<unsigned char>(c);
  if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
    return Fail("a quoted chunk extension has a control character");
  }
  if (state_ == State::kEscaped) {
    return State::kQuoted;
  }
  return c == '"' ? State::kQuotedEnd : c == '\\' ? State::kEscaped : State::kQuoted;
}

ChunkDecoder::State ChunkDecoder::Fail(const char* reason) {
  fault_ = reason;
  return State::kFaulty;
}

}  // namespace gatehouse::http
