// SPDX-License-Identifier: Apache-2.0
#include "source/config/syntax.h"

#include <array>
#include <utility>

namespace gatehouse::config {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kSentences{{
    {"illegal map value",
     "\":\" where no value can start: check the indentation, and quote a text "
     "that contains \": \""},
    {"end of map not found", "expected a key: check the indentation"},
    {"end of map flow not found", "expected \",\" or \"}\""},
    {"end of sequence not found", "expected \"- \" or the end of the list: check the indentation"},
    {"end of sequence flow not found", "expected \",\" or \"]\""},
    {"the referenced anchor is not defined", "an alias of an anchor that is not defined"},
    {"illegal tab when looking for indentation", "tabs can't indent YAML; use spaces"},
    {"unknown token", "a text can't start with this character; quote it"},
    {"illegal EOF in scalar", "a quote that is not closed"},
}};

bool HasUnquoted(std::string_view line, std::string_view what) {
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      quote = c == quote ? 0 : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (line.substr(i).starts_with(what)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string DescribeSyntaxError(std::string_view message, std::string_view line) {
  std::string out = "not valid YAML: ";
  std::string_view sentence = message;
  for (const auto& [theirs, ours] : kSentences) {
    if (message == theirs) {
      sentence = ours;
    }
  }
  const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
  if (indent.find('\t') != indent.npos) {
    sentence = "tabs can't indent YAML; use spaces";
  } else if (message.starts_with("end of ") && HasUnquoted(line, "${")) {
    sentence = "quote a value that contains ${...} inside { } or [ ]";
  } else if (message.starts_with("end of ") && HasUnquoted(line, "[::")) {
    sentence = "quote an IPv6 address, as in \"[::]:8080\"";
  }
  out.append(sentence);
  return out;
}

bool QuoteIsClosed(std::string_view text) {
  while (text.starts_with('&') || text.starts_with('!')) {
    const size_t end = text.find_first_of(" \t\r\n");
    text = text.substr(end == text.npos ? text.size() : end);
    const size_t next = text.find_first_not_of(" \t\r\n");
    text = text.substr(next == text.npos ? text.size() : next);
  }
  if (!text.starts_with('"') && !text.starts_with('\'')) {
    return true;
  }
  const char quote = text.front();
  for (size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '\'' && text.substr(i + 1).starts_with('\'')) {
        ++i;
        continue;
      }
      return true;
    }
  }
  return false;
}

}  // namespace gatehouse::config
