// SPDX-License-Identifier: Apache-2.0
// A text that is kept for a long time and seldom asked for: compressed.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::server {

// Immutable; any thread.
class PackedText {
 public:
  PackedText() = default;
  explicit PackedText(std::string_view text);
  // The text again. Takes about 3 ms a MiB.
  std::string Unpack() const;

 private:
  std::string packed_;
  size_t size_ = 0;  // Of the text.
};

}  // namespace gatehouse::server
