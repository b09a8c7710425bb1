// SPDX-License-Identifier: Apache-2.0
// What bash, zsh and fish need to complete the command line.
#include <utility>

#include "source/server/command_docs.h"

namespace gatehouse::server {
namespace {

bool TakesFile(const OptionDoc& option) { return option.argument == "FILE"; }

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words) {
    out.append(out.empty() ? "" : separator).append(word);
  }
  return out;
}

std::vector<std::string> CommandNames(const std::vector<CommandDoc>& commands) {
  std::vector<std::string> out;
  for (const CommandDoc& command : commands) {
    if (!command.name.empty()) {
      out.push_back(command.name);
    }
  }
  return out;
}

std::vector<std::string> OptionNames(const CommandDoc& command) {
  std::vector<std::string> out;
  for (const OptionDoc& option : command.options) {
    out.insert(out.end(), option.names.begin(), option.names.end());
  }
  return out;
}

// Between single quotes of any of the shells.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out.append(c == '\'' ? "'\\''" : std::string(1, c));
  }
  return out + "'";
}

// ---- bash ----

std::string BashCase(const CommandDoc& command) {
  std::string values;
  for (const OptionDoc& option : command.options) {
    if (option.names.empty() || option.argument.empty()) {
      continue;
    }
    values += "        " + Joined(option.names, "|") + ") ";
    if (TakesFile(option)) {
      values += "COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null";
    } else {
      values +=
          "COMPREPLY=($(compgen -W " + Quoted(Joined(option.choices, " ")) + " -- \"$word\"))";
    }
    values += "; return ;;\n";
  }
  const std::string label = command.name.empty() ? "''" : command.name;
  return "    " + label + ")\n" +
         (values.empty() ? "" : "      case \"$before\" in\n" + values + "      esac\n") +
         "      words=" + Quoted(Joined(OptionNames(command), " ")) + " ;;\n";
}

std::string Bash(const std::vector<CommandDoc>& commands) {
  const std::vector<std::string> names = CommandNames(commands);
  std::string out = R"sh(# bash completion for gatehouse: eval "$(gatehouse completion bash)"
_gatehouse() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  local command='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      )sh" + Joined(names, "|") +
                    R"() command="${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$command" in
)";
  for (const CommandDoc& command : commands) {
    out += BashCase(command);
  }
  out += "  esac\n  if [[ -z $command && $word != -* ]]; then\n    words=" +
         Quoted(Joined(names, " ")) + R"(
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _gatehouse gatehouse
)";
  return out;
}

// ---- zsh ----

// For the inside of _arguments' specifications, between single quotes.
std::string ZshEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out.push_back('\\');
    }
    out.append(c == '\'' ? "'\\''" : std::string(1, c));
  }
  return out;
}

std::string ZshValue(const OptionDoc& option) {
  if (option.argument.empty()) {
    return "";
  }
  std::string out = ":" + ZshEscaped(option.argument) + ":";
  if (TakesFile(option)) {
    return out + "_files";
  }
  return option.choices.empty() ? out : out + "(" + Joined(option.choices, " ") + ")";
}

std::string ZshArguments(const CommandDoc& command) {
  std::string out;
  for (const OptionDoc& option : command.options) {
    for (const std::string& name : option.names) {
      out += " \\\n        '" + name + "[" + ZshEscaped(option.help) + "]" + ZshValue(option) + "'";
    }
  }
  return out;
}

std::string Zsh(const std::vector<CommandDoc>& commands) {
  std::string out = R"(#compdef gatehouse
# zsh completion for gatehouse: a file _gatehouse in a directory of $fpath
_gatehouse() {
  local -a commands=(
)";
  for (const CommandDoc& command : commands) {
    if (!command.name.empty()) {
      out += "    '" + command.name + ":" + ZshEscaped(command.summary) + "'\n";
    }
  }
  out += "  )\n  local command=${words[(r)" + Joined(CommandNames(commands), "|") +
         "]}\n  case \"$command\" in\n";
  for (const CommandDoc& command : commands) {
    if (!command.name.empty()) {
      out += "    " + command.name + ")\n      _arguments" + ZshArguments(command) + " ;;\n";
    }
  }
  out += "    *)\n      _arguments '1:command:{_describe command commands}'" +
         ZshArguments(commands.front()) + R"( ;;
  esac
}
compdef _gatehouse gatehouse
)";
  return out;
}

// ---- fish ----

std::string FishOption(const CommandDoc& command, const OptionDoc& option) {
  std::string out = "complete -c gatehouse -n " +
                    Quoted(command.name.empty() ? "__fish_use_subcommand"
                                                : "__fish_seen_subcommand_from " + command.name);
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (TakesFile(option)) {
    out += " -r -F";
  } else if (!option.argument.empty()) {
    out += " -x";
  }
  if (!option.choices.empty()) {
    out += " -a " + Quoted(Joined(option.choices, " "));
  }
  return out + " -d " + Quoted(option.help) + "\n";
}

std::string Fish(const std::vector<CommandDoc>& commands) {
  std::string out =
      "# fish completion for gatehouse: gatehouse completion fish | source\n"
      "complete -c gatehouse -f\n";
  for (const CommandDoc& command : commands) {
    if (!command.name.empty()) {
      out += "complete -c gatehouse -n __fish_use_subcommand -a " + command.name + " -d " +
             Quoted(command.summary) + "\n";
    }
    for (const OptionDoc& option : command.options) {
      out += option.names.empty() ? "" : FishOption(command, option);
    }
  }
  return out;
}

}  // namespace

std::string CompletionScript(const std::vector<CommandDoc>& commands, std::string_view shell) {
  if (shell == "bash") {
    return Bash(commands);
  }
  if (shell == "zsh") {
    return Zsh(commands);
  }
  return shell == "fish" ? Fish(commands) : std::string();
}

}  // namespace gatehouse::server
