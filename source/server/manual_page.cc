// SPDX-License-Identifier: Apache-2.0
// gatehouse(1).
#include <utility>

#include "source/server/command_docs.h"

namespace gatehouse::server {
namespace {

// Plain text in roff: no line is a request, no character an escape, and a dash is the one that can
// be copied.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) {
      out.append("\\&");
    }
    line_begins = c == '\n';
    switch (c) {
      case '\\':
        out.append("\\e");
        break;
      case '-':
        out.append("\\-");
        break;
      case '\'':
        out.append("\\(aq");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string Literal(std::string_view text) {
  while (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  return ".PP\n.nf\n" + Roff(text) + "\n.fi\n";
}

std::string Option(const OptionDoc& option) {
  std::string head;
  for (const std::string& name : option.names) {
    head.append(head.empty() ? "" : ", ").append("\\fB" + Roff(name) + "\\fR");
  }
  if (!option.argument.empty()) {
    head.append(head.empty() ? "" : " ").append("\\fI" + Roff(option.argument) + "\\fR");
  }
  return ".TP\n" + head + "\n" + Roff(option.help) + "\n";
}

// A paragraph of help that is not made of options: those are written below it.
bool ListsOptions(std::string_view paragraph, const CommandDoc& command) {
  for (const OptionDoc& option : command.options) {
    const std::string name = option.names.empty() ? option.argument : option.names.front();
    if (paragraph.starts_with("  " + name + " ") || paragraph.starts_with("  " + name + ",")) {
      return true;
    }
  }
  return false;
}

std::string Paragraphs(const CommandDoc& command) {
  std::string out;
  std::string_view rest = command.text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\n\n"), rest.size());
    const std::string_view paragraph = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    if (ListsOptions(paragraph, command)) {
      continue;
    }
    // What is indented anywhere is laid out by hand.
    const bool laid_out = paragraph.find("\n  ") != paragraph.npos || paragraph.starts_with(' ');
    out += laid_out ? Literal(paragraph) : ".PP\n" + Roff(paragraph) + "\n";
    if (out.ends_with("\n\n")) {
      out.pop_back();
    }
  }
  constexpr std::string_view kParagraph = ".PP\n";  // A section begins with one anyway.
  return out.starts_with(kParagraph) ? out.substr(kParagraph.size()) : out;
}

}  // namespace

std::string ManualPage(const std::vector<CommandDoc>& commands, const Release& release) {
  std::string out = ".TH GATEHOUSE 1 " + std::string(release.date) + " \"gatehouse " +
                    std::string(release.version) +
                    "\" \"User Commands\"\n.SH NAME\ngatehouse \\- an L7 gateway\n.SH SYNOPSIS\n"
                    ".B gatehouse\n.I COMMAND\n[\\fIOPTION\\fR]...\n";
  for (const CommandDoc& command : commands) {
    if (command.name.empty()) {
      out += ".SH DESCRIPTION\n" + Paragraphs(command) + ".SH OPTIONS\n";
    } else {
      out += ".SS \"gatehouse " + command.name + "\"\n" + Paragraphs(command);
    }
    for (const OptionDoc& option : command.options) {
      out += Option(option);
    }
    out += command.name.empty() ? ".SH COMMANDS\n" : "";
  }
  return out;
}

}  // namespace gatehouse::server
