// SPDX-License-Identifier: Apache-2.0
// What --help says.
#pragma once

#include <array>
#include <string_view>

namespace gatehouse::server {

// Of the whole, for an empty `command`.
std::string_view HelpFor(std::string_view command);
// A line that works, for hints; empty for no command.
std::string_view ExampleOf(std::string_view command);

inline constexpr std::array<std::string_view, 11> kCommandNames = {
    "run",    "proxy",  "validate", "config", "route",  "init",
    "schema", "reload", "drain",    "status", "version"};

}  // namespace gatehouse::server
