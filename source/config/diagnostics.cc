// SPDX-License-Identifier: Apache-2.0
#include "source/config/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::config {
namespace {

// Appends `text` with control characters made visible: what a file holds must not steer the
// terminal or forge lines in the log.
void AppendPrintable(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out.append("\\x");
      out.push_back(kHex[(c >> 4) & 0xF]);
      out.push_back(kHex[c & 0xF]);
    } else {
      out.push_back(c);
    }
  }
}

auto Place(const Position& at) { return std::tie(at.file, at.line, at.column); }

}  // namespace

uint32_t Diagnostics::AddFile(std::string name) {
  files_.push_back(std::move(name));
  return static_cast<uint32_t>(files_.size() - 1);
}

void Diagnostics::Error(Position at, std::string path, std::string message,
                        std::string suggestion) {
  Add({Severity::kError, at, std::move(path), std::move(message), std::move(suggestion)});
}

void Diagnostics::Warning(Position at, std::string path, std::string message,
                          std::string suggestion) {
  Add({Severity::kWarning, at, std::move(path), std::move(message), std::move(suggestion)});
}

void Diagnostics::Add(Diagnostic diagnostic) {
  size_t& count = diagnostic.severity == Severity::kError ? errors_ : warnings_;
  if (all_.size() >= max_kept_) {
    ++count;
    return;
  }
  std::string key = std::to_string(diagnostic.position.file);
  key.push_back('/');
  key.append(Line(diagnostic));
  if (seen_.insert(std::move(key)).second) {
    ++count;
    all_.push_back(std::move(diagnostic));
  }
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<Diagnostic> out = all_;
  std::stable_sort(out.begin(), out.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return Place(a.position) < Place(b.position);
  });
  return out;
}

std::string Diagnostics::Line(const Diagnostic& diagnostic) const {
  std::string out;
  if (diagnostic.position.file < files_.size()) {
    out.append(PlaceOf(diagnostic.position)).append(": ");
  }
  if (diagnostic.severity == Severity::kWarning) {
    out.append("warning: ");
  }
  if (!diagnostic.path.empty()) {
    AppendPrintable(out, diagnostic.path);
    out.append(": ");
  }
  AppendPrintable(out, diagnostic.message);
  if (!diagnostic.suggestion.empty()) {
    out.append(" (did you mean \"");
    AppendPrintable(out, diagnostic.suggestion);
    out.append("\"?)");
  }
  return out;
}

std::string Diagnostics::PlaceOf(Position at) const {
  std::string out;
  if (at.file < files_.size()) {
    AppendPrintable(out, files_[at.file]);
  }
  if (at.line > 0) {
    out.push_back(':');
    AppendUint(out, at.line);
    out.push_back(':');
    AppendUint(out, at.column);
  }
  return out;
}

std::string Diagnostics::ToText() const {
  std::string out;
  for (const Diagnostic& diagnostic : Sorted()) {
    out.append(Line(diagnostic));
    out.push_back('\n');
  }
  if (const size_t more = errors_ + warnings_ - all_.size(); more > 0) {
    out.append("and ");
    AppendUint(out, more);
    out.append(" more\n");
  }
  return out;
}

}  // namespace gatehouse::config
