// SPDX-License-Identifier: Apache-2.0
// The commands and their options as data, and what is written of them: shells' completions and the
// manual. cli_describe.h has it from the command line's own definitions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::server {

struct OptionDoc {
  std::vector<std::string> names;    // "-c", "--config"; none for an argument without a name.
  std::string argument;              // "FILE"; empty for a flag.
  std::vector<std::string> choices;  // All that the argument may be; or empty.
  std::string help;
};

struct CommandDoc {
  std::string name;     // Empty: gatehouse itself.
  std::string summary;  // The first sentence of its help, without the full stop.
  std::string text;     // All of its help.
  std::vector<OptionDoc> options;
};

// A script for `shell`: bash, zsh or fish. Empty for any other.
std::string CompletionScript(const std::vector<CommandDoc>& commands, std::string_view shell);

struct Release {
  std::string_view version;
  std::string_view date;  // "2026-11-22"
};
// gatehouse(1) in the macros of man(7).
std::string ManualPage(const std::vector<CommandDoc>& commands, const Release& release);

}  // namespace gatehouse::server
