// SPDX-License-Identifier: Apache-2.0
// How diagnostics spell paths and quote what the user wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse::config {

// "path.key"; `path["a key"]` where a bare key would be misread.
std::string KeyPath(std::string_view path, std::string_view key);
// "path[3]".
std::string ElementPath(std::string_view path, size_t index);

// `text` in double quotes, cut when it is long.
std::string Quoted(std::string_view text);

}  // namespace gatehouse::config
