// SPDX-License-Identifier: Apache-2.0
// Files in which filters keep what must outlast the process. These calls wait for the disk: never
// on a worker.
#pragma once

#include <string>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse::filters {

// The file of the filter `name` of this type in `state_dir`: "data/ip_access/bans". What is not
// safe in a file's name is escaped, and so is an ending that files beside another have (".new",
// ".damaged"): no two names share a file. Of very long names the rest is a digest. Empty when
// `state_dir` is.
std::string StateFileOf(std::string_view state_dir, std::string_view type, std::string_view name);

// Makes `text` the content of the file at `path`, whole or not at all, also when the machine stops
// meanwhile: a file beside it takes its place once it is on the disk. Makes the folders on the way.
// Errors give the reason alone: "No space left on device".
Result<void> ReplaceFile(const std::string& path, std::string_view text);

// Renames what is at `path` to `path`.damaged, in place of what may have that name.
void MoveAside(const std::string& path);

}  // namespace gatehouse::filters
