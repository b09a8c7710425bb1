// SPDX-License-Identifier: Apache-2.0
// The command line: which command, with which options.
#pragma once

#include <functional>
#include <string>

#include "source/server/commands.h"

namespace gatehouse::server {

// What each command does; given by main().
struct Commands {
  std::function<int(const RunOptions&)> run;
  std::function<int(const std::string& listen, const std::string& to)> proxy;
  std::function<int(const ValidateOptions&)> validate;
  std::function<int(const std::string& config_path, bool effective)> config;
  std::function<int(const RouteOptions&)> route;
  std::function<int(const AdminTarget&)> reload;
  std::function<int(const AdminTarget&)> drain;
  std::function<int(const AdminTarget&)> status;
  std::function<int()> version;
  // Prints what shells and man(1) want of the command line itself.
  std::function<int(const std::string& text)> print;
  std::function<int(const std::string& format)> schema;
  std::function<int(const InitOptions&)> init;
};

// Calls the command that the arguments ask for and returns its exit code. Help goes to standard
// output (0); what is wrong with the arguments, and a hint, to standard error (1).
int RunCommandLine(int argc, const char* const* argv, const Commands& commands);

}  // namespace gatehouse::server
