// SPDX-License-Identifier: Apache-2.0
// The users of a basic_auth filter, as its configuration and its htpasswd file name them.
#pragma once

#include <memory>
#include <string_view>

#include "source/config/object.h"
#include "source/filters/auth/user_table.h"
#include "source/filters/watched_file.h"

namespace gatehouse::filters {

using UserFile = WatchedFile<UserTable>;

struct LoadedUsers {
  std::shared_ptr<const UserFacts> facts;  // Tables of `file` look into it.
  std::shared_ptr<UserFile> file;          // Without a file: those of `users`, for good.
};

// Reads `groups`, `attributes`, `file` and `users`; `filter` is the filter's name.
LoadedUsers LoadUsers(config::Object& in, std::string_view filter);

}  // namespace gatehouse::filters
