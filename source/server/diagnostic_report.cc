// SPDX-License-Identifier: Apache-2.0
#include "source/server/diagnostic_report.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/config/document.h"

namespace gatehouse::server {
namespace {

using config::Diagnostic;
using config::Diagnostics;
using config::Severity;
using Json = nlohmann::ordered_json;

constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kRed = "\033[1;31m";
constexpr std::string_view kYellow = "\033[1;33m";
constexpr std::string_view kFaint = "\033[2m";
constexpr std::string_view kPlain = "\033[0m";

// The texts of a configuration's files, by line.
class SourceLines {
 public:
  SourceLines(const Diagnostics& diagnostics, const std::string& main_text)
      : files_(diagnostics.files()) {
    texts_.emplace(0, Lines(main_text));
  }

  // Nothing when the file can't be read, or is shorter.
  std::string_view Line(config::Position at) {
    if (at.file >= files_.size() || at.line == 0) {
      return {};
    }
    auto found = texts_.find(at.file);
    if (found == texts_.end()) {
      found = texts_.emplace(at.file, Lines(config::ReadFile(files_[at.file]).value_or(""))).first;
    }
    const std::vector<std::string>& lines = found->second;
    return at.line <= lines.size() ? std::string_view(lines[at.line - 1]) : std::string_view();
  }

 private:
  static std::vector<std::string> Lines(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      out.emplace_back(text.substr(0, end));
      text.remove_prefix(std::min(text.size(), end + 1));
    }
    return out;
  }

  const std::vector<std::string>& files_;
  std::map<uint32_t, std::vector<std::string>> texts_;
};

// A part of a line around a place in it, fit for a terminal: one column for each character.
struct Excerpt {
  std::string text;
  size_t before = 0;  // Characters in front of the place.
  size_t marked = 1;  // Characters that are blamed.
};

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

size_t Characters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), IsContinuation));
}

// Tabs become spaces, other control characters question marks.
std::string Printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '\t') {
      c = ' ';
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      c = '?';
    }
  }
  return out;
}

// Where the word that begins at `start` ends: at the closing quote, or where YAML would end it.
size_t EndOfWord(std::string_view line, size_t start) {
  if (start >= line.size()) {
    return start;
  }
  if (const char quote = line[start]; quote == '"' || quote == '\'') {
    const size_t close = line.find(quote, start + 1);
    return close == line.npos ? line.size() : close + 1;
  }
  size_t end = start + 1;
  while (end < line.size() && std::string_view(" \t\r,[]{}#").find(line[end]) == line.npos) {
    ++end;
  }
  return end - start > 1 && line[end - 1] == ':' ? end - 1 : end;
}

// `column` counts bytes from 1.
Excerpt Cut(std::string_view line, size_t column) {
  constexpr size_t kMostBefore = 70;
  constexpr size_t kMostBytes = 110;
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
    line.remove_suffix(1);
  }
  const size_t at = std::min(column == 0 ? 0 : column - 1, line.size());
  size_t begin = at > kMostBefore ? at - kMostBefore : 0;
  while (begin > 0 && IsContinuation(line[begin])) {
    --begin;
  }
  size_t end = std::min(line.size(), begin + kMostBytes);
  while (end < line.size() && IsContinuation(line[end])) {
    ++end;
  }
  const size_t word = std::max(at, std::min(EndOfWord(line, at), end));
  Excerpt out;
  const std::string_view left = begin > 0 ? "..." : "";
  out.text = std::string(left) + Printable(line.substr(begin, end - begin)) +
             (end < line.size() ? "..." : "");
  out.before = left.size() + Characters(line.substr(begin, at - begin));
  out.marked = std::max<size_t>(1, Characters(line.substr(at, word - at)));
  return out;
}

class ExcerptWriter {
 public:
  ExcerptWriter(const Diagnostics& diagnostics, const std::string& main_text, bool colour)
      : diagnostics_(diagnostics), lines_(diagnostics, main_text), colour_(colour) {}

  std::string Write() && {
    for (const Diagnostic& one : diagnostics_.Sorted()) {
      AppendSentence(one);
      if (const std::string_view line = lines_.Line(one.position); !line.empty()) {
        AppendLine(one, line);
      }
    }
    return std::move(out_);
  }

 private:
  std::string_view Colour(std::string_view colour) const {
    return colour_ ? colour : std::string_view();
  }
  std::string_view ColourOf(const Diagnostic& one) const {
    return Colour(one.severity == Severity::kError ? kRed : kYellow);
  }

  void AppendSentence(const Diagnostic& one) {
    const std::string text = diagnostics_.Line(one);
    const std::string place = diagnostics_.PlaceOf(one.position);
    out_.append(Colour(kBold)).append(place).append(Colour(kPlain));
    out_.append(ColourOf(one)).append(text, place.size()).append(Colour(kPlain));
    out_.push_back('\n');
  }

  void AppendLine(const Diagnostic& one, std::string_view line) {
    constexpr size_t kNumberWidth = 6;
    const Excerpt excerpt = Cut(line, one.position.column);
    std::string number = std::to_string(one.position.line);
    number.insert(0, kNumberWidth - std::min(kNumberWidth, number.size()), ' ');
    out_.append(Colour(kFaint)).append(number).append(" | ").append(Colour(kPlain));
    out_.append(excerpt.text).push_back('\n');
    out_.append(Colour(kFaint)).append(number.size(), ' ').append(" | ").append(Colour(kPlain));
    out_.append(excerpt.before, ' ').append(ColourOf(one)).push_back('^');
    out_.append(excerpt.marked - 1, '~').append(Colour(kPlain)).push_back('\n');
  }

  const Diagnostics& diagnostics_;
  SourceLines lines_;
  const bool colour_;
  std::string out_;
};

Json OrNull(bool known, Json value) { return known ? std::move(value) : Json(nullptr); }

}  // namespace

std::string DiagnosticsToJson(const Diagnostics& diagnostics) {
  Json out = Json::array();
  const std::vector<std::string>& files = diagnostics.files();
  for (const Diagnostic& one : diagnostics.Sorted()) {
    const config::Position& at = one.position;
    Json entry;
    entry["file"] = at.file < files.size() ? Json(files[at.file]) : Json(nullptr);
    entry["line"] = OrNull(at.line > 0, at.line);
    entry["column"] = OrNull(at.line > 0, at.column);
    entry["path"] = OrNull(!one.path.empty(), one.path);
    entry["severity"] = one.severity == Severity::kError ? "error" : "warning";
    entry["message"] = one.message;
    entry["suggestion"] = OrNull(!one.suggestion.empty(), one.suggestion);
    out.push_back(std::move(entry));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string DiagnosticsToExcerpts(const Diagnostics& diagnostics, const std::string& main_text,
                                  bool colour) {
  return ExcerptWriter(diagnostics, main_text, colour).Write();
}

}  // namespace gatehouse::server
