// SPDX-License-Identifier: Apache-2.0
// Paths and hosts as configurations spell them.
#pragma once

#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/config/object.h"

namespace gatehouse::pipeline {

// The path that `value` holds. Requests are matched in normal form, so anything else is an error
// that shows the normal form.
std::string LoadPath(const config::Value& value, Arena& arena);

// The host that `value` holds, in lower case without a trailing dot; `wildcard` allows "*" and
// "*.example.org". Empty, and an error, when it holds none.
std::string LoadHost(const config::Value& value, bool wildcard, Arena& arena);

}  // namespace gatehouse::pipeline
