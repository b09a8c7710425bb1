// SPDX-License-Identifier: Apache-2.0
#include "source/server/cli_describe.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "source/server/cli_help.h"

namespace gatehouse::server {
namespace {

// The words behind `name` in a help text: those of the line "  -c, --config FILE     the words",
// and of the lines below that begin where they do.
std::string HelpOf(std::string_view text, std::string_view name) {
  std::string out;
  size_t indent = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t first = line.find_first_not_of(' ');
    if (!out.empty()) {
      if (first != indent) {
        return out;
      }
      out.append(" ").append(line.substr(first));
      continue;
    }
    const size_t words = first == line.npos ? first : line.find("  ", first);
    if (words == line.npos || first == 0) {
      continue;
    }
    const std::string spelled = " " + std::string(line.substr(first, words - first)) + " ";
    const std::string wanted = " " + std::string(name);
    if (spelled.find(wanted + " ") != spelled.npos || spelled.find(wanted + ",") != spelled.npos) {
      indent = line.find_first_not_of(' ', words);
      out = line.substr(indent);
    }
  }
  return out;
}

// The library writes a set of choices as "TEXT:{debug,info}".
void SplitTypeName(std::string type, OptionDoc& out) {
  const size_t open = type.find(":{");
  if (open == type.npos) {
    out.argument = std::move(type);
    return;
  }
  const size_t close = std::min(type.find('}', open), type.size());
  std::string rest = type.substr(open + 2, close - open - 2);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    out.choices.push_back(rest.substr(0, comma));
    rest = comma == rest.npos ? "" : rest.substr(comma + 1);
  }
  out.argument = type.substr(0, open);
}

OptionDoc Describe(const CLI::Option& option, std::string_view text) {
  OptionDoc out;
  for (const std::string& name : option.get_snames()) {
    out.names.push_back("-" + name);
  }
  for (const std::string& name : option.get_lnames()) {
    out.names.push_back("--" + name);
  }
  if (option.get_items_expected_max() > 0) {
    SplitTypeName(option.get_type_name(), out);
  }
  out.help = HelpOf(text, out.names.empty() ? out.argument : out.names.back());
  return out;
}

CommandDoc Describe(const CLI::App& command, const std::string& name) {
  CommandDoc out;
  out.name = name;
  out.text = std::string(HelpFor(name));
  std::string first = out.text.substr(0, out.text.find("\n\n"));
  for (char& c : first) {
    c = c == '\n' ? ' ' : c;
  }
  first = first.substr(0, first.find(". "));
  out.summary = first.ends_with('.') ? first.substr(0, first.size() - 1) : first;
  for (const CLI::Option* option : command.get_options()) {
    out.options.push_back(Describe(*option, out.text));
    if (out.options.back().help.empty() && option == command.get_help_ptr()) {
      out.options.back().help = "explain, and end";
    }
  }
  return out;
}

}  // namespace

std::vector<CommandDoc> DescribeCommands(const CLI::App& app) {
  std::vector<CommandDoc> out;
  out.push_back(Describe(app, ""));
  for (const CLI::App* command : app.get_subcommands({})) {
    if (!command->get_group().empty()) {
      out.push_back(Describe(*command, command->get_name()));
    }
  }
  return out;
}

}  // namespace gatehouse::server
