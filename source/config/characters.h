// SPDX-License-Identifier: Apache-2.0
// Which characters a configuration may hold: well-formed UTF-8, and of the control characters only
// tab and line ends. yaml-cpp drops U+0004 and a lone carriage return without a word.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::config {

struct BadCharacter {
  size_t offset = 0;
  std::string message;
};
std::optional<BadCharacter> FindBadCharacter(std::string_view text);

}  // namespace gatehouse::config
