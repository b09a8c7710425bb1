// SPDX-License-Identifier: Apache-2.0
// What a YAML parser's complaint means for the person who wrote the file, and a mistake it misses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse::config {

// A sentence for yaml-cpp's message about `line`, the line of the file it points at.
std::string DescribeSyntaxError(std::string_view message, std::string_view line);

// Whether the quoted scalar at the start of `text`, after its anchor and tag, is closed; true when
// there is none. yaml-cpp takes the end of the file for a closing quote.
bool QuoteIsClosed(std::string_view text);

}  // namespace gatehouse::config
