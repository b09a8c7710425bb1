// SPDX-License-Identifier: Apache-2.0
// The chunked coding, read strictly (RFC 9112 section 7.1): what another reader could take for
// another size or another line end is a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

// Walks through the framing between pieces of data. Sizes are 1 to 16 hexadecimal digits; chunk
// extensions are checked and dropped, at most kMaxExtensionBytes of them in one message.
class ChunkDecoder {
 public:
  static constexpr uint32_t kMaxExtensionBytes = 16 * 1024;

  // Takes framing from the front of `input` up to the next data byte, the trailer section or a
  // fault; returns how many bytes were taken.
  size_t TakeFraming(std::string_view input);

  // Data bytes of the current chunk that are yet to come; 0 between chunks.
  uint64_t data_left() const { return state_ == State::kData ? left_ : 0; }
  // Takes `bytes` of them. REQUIRES: bytes <= data_left().
  void TakeData(size_t bytes);

  // The last chunk is over: the trailer section follows.
  bool at_trailers() const { return state_ == State::kTrailers; }
  // What was wrong, or null.
  const char* fault() const { return fault_; }

 private:
  enum class State : uint8_t {
    kFirstDigit,
    kDigits,
    kNameStart,  // After ';'.
    kName,
    kValueStart,  // After '='.
    kToken,
    kQuoted,
    kEscaped,    // After '\' in a quoted string.
    kQuotedEnd,  // After the closing quote.
    kSizeLf,     // After the CR of a size line.
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
    kFaulty,
  };
  State Step(char c);
  State TakeDigit(char c);
  State EndOfElement(char c, bool may_have_value);
  State TakeQuoted(char c);
  State Fail(const char* reason);

  uint64_t left_ = 0;
  const char* fault_ = nullptr;
  uint32_t extension_bytes_ = 0;
  uint8_t digits_ = 0;
  State state_ = State::kFirstDigit;
};

}  // namespace gatehouse::http
