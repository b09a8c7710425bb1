// SPDX-License-Identifier: Apache-2.0
// The command line's own definitions as data: what shells complete and what the manual says can't
// differ from what is accepted.
#pragma once

#include <CLI/CLI.hpp>
#include <vector>

#include "source/server/command_docs.h"

namespace gatehouse::server {

// Of the whole first, then each command in the order of definition. Commands of a nameless group
// are hidden, and left out.
std::vector<CommandDoc> DescribeCommands(const CLI::App& app);

}  // namespace gatehouse::server
