// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, where, and what was probably meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace gatehouse::config {

// A place in a source file. Line and column count from 1; 0 means unknown.
struct Position {
  uint32_t file = 0;  // Index into Diagnostics::files().
  uint32_t line = 0;
  uint32_t column = 0;
};

enum class Severity : uint8_t { kWarning, kError };

struct Diagnostic {
  Severity severity = Severity::kError;
  Position position;
  std::string path;        // "routes[2].match.path_prefix"; empty for the document.
  std::string message;     // One sentence, lower case, no full stop.
  std::string suggestion;  // What was probably meant; empty when nothing is near.
};

// Collects every mistake of one load, in all files. One that is the same in all its parts (a shared
// definition, read twice) is kept once. Not thread-safe.
class Diagnostics {
 public:
  // Past this many, mistakes are counted and no longer kept.
  static constexpr size_t kMaxKept = 10'000;

  Diagnostics() = default;
  explicit Diagnostics(size_t max_kept) : max_kept_(max_kept) {}

  // Names a source ("gatehouse.yaml", "<stdin>") and returns its index for positions.
  uint32_t AddFile(std::string name);

  void Error(Position at, std::string path, std::string message, std::string suggestion = {});
  void Warning(Position at, std::string path, std::string message, std::string suggestion = {});

  bool ok() const { return errors_ == 0; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }
  const std::vector<std::string>& files() const { return files_; }

  // All of them, by file, line, column; equal positions in the order reported.
  std::vector<Diagnostic> Sorted() const;

  // One line each: `file:line:col: path: message (did you mean "x"?)`; warnings say "warning: "
  // before the path. Control characters are escaped.
  std::string ToText() const;
  std::string Line(const Diagnostic& diagnostic) const;
  // "gatehouse.yaml:5:11", for sentences that point elsewhere.
  std::string PlaceOf(Position at) const;

 private:
  void Add(Diagnostic diagnostic);

  size_t max_kept_ = kMaxKept;
  std::vector<std::string> files_;
  std::vector<Diagnostic> all_;
  std::unordered_set<std::string> seen_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

}  // namespace gatehouse::config
