// SPDX-License-Identifier: Apache-2.0
#include "source/config/characters.h"

#include "source/base/text.h"

namespace gatehouse::config {
namespace {

// Why the control character at `text[i]` can't stand there; empty when it can.
std::string_view WhyNot(std::string_view text, size_t i) {
  switch (text[i]) {
    case '\t':
    case '\n':
      return {};
    case '\r':
      return text.substr(i + 1, 1) == "\n" ? std::string_view()
                                           : "a carriage return without a line feed";
    case '\0':
      return "a NUL character: this is not a text file";
    default:
      return "a control character; write it as an escape in double quotes";
  }
}

}  // namespace

std::optional<BadCharacter> FindBadCharacter(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f) [[likely]] {
      ++i;
    } else if (c < 0x80) {
      if (const std::string_view why = WhyNot(text, i); !why.empty()) {
        return BadCharacter{i, std::string(why)};
      }
      ++i;
    } else if (const size_t length = Utf8SequenceLength(text, i); length > 0) {
      i += length;
    } else {
      return BadCharacter{i, "a byte that is not UTF-8"};
    }
  }
  return std::nullopt;
}

}  // namespace gatehouse::config
