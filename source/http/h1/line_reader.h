// SPDX-License-Identifier: Apache-2.0
// The lines of a head or trailer section, one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/message/byte_scan.h"

namespace gatehouse::http {

// Splits at CRLF and at nothing else: a bare CR or LF, NUL and the other control characters except
// HTAB, and DEL are faults (RFC 9112 section 2.2, RFC 9110 section 5.5).
//
// Line ends are taken from a bitmap of the control characters, 64 bytes at a time, so that the
// search for the next one never waits for what is done with a line.
class LineReader {
 public:
  // REQUIRES: `text` ends in LF and came from CopyWithPadding().
  explicit LineReader(std::string_view text)
      : line_(text.data()), block_(text.data()), end_(text.data() + text.size()) {
    controls_ = ControlBitmap(block_);
  }

  // The next line without its CRLF, which is still there to be read. False for a fault.
  // REQUIRES: not at_end().
  bool Next(std::string_view& line) {
    const char* const cr = NextControl();
    if (*cr != '\r' || cr[1] != '\n') [[unlikely]] {
      return false;
    }
    NextControl();
    line = {line_, static_cast<size_t>(cr - line_)};
    line_ = cr + 2;
    return true;
  }

  bool at_end() const { return line_ == end_; }

 private:
  const char* NextControl() {
    while (controls_ == 0) {
      block_ += kScanPadding;
      controls_ = ControlBitmap(block_);
    }
    const char* const control = block_ + std::countr_zero(controls_);
    controls_ &= controls_ - 1;
    return control;
  }

  const char* line_;
  const char* block_;
  const char* end_;
  uint64_t controls_ = 0;  // Of block_, those not passed yet.
};

// A copy of `text` in `arena`, followed by bytes that may be read.
std::string_view CopyWithPadding(std::string_view text, Arena& arena);

}  // namespace gatehouse::http
