// SPDX-License-Identifier: Apache-2.0
// Which files `include` names, and whether they are still what they were.
//
//   include: [clusters.yaml, routes/*.yaml]
//
// Files come in the order in which they are listed, those of one pattern in lexical order, each
// once, and never the including file itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"

namespace gatehouse::config {

// What a path led to: another one, or other content, compares unequal.
struct FileStamp {
  bool exists = false;
  dev_t device = 0;
  ino_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  static FileStamp Of(const std::string& path);
  bool SameFile(const FileStamp& other) const {
    return exists && other.exists && device == other.device && inode == other.inode;
  }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// FNV-1a: tells texts apart, and means nothing else.
uint64_t HashOf(std::string_view text, uint64_t start = 0xcbf29ce484222325);

// The files that were included in one load. Immutable afterwards; any thread.
class IncludedFiles {
 public:
  // Far more than people write; the bound is for a pattern that went wrong.
  static constexpr size_t kMaxFiles = 4096;

  struct File {
    std::string path;
    FileStamp stamp;  // Taken before it was read.
    // What is included there, for diagnostics; not for later.
    Value named_at;
  };

  IncludedFiles() = default;
  // Finds the files that `patterns` names, relative to `directory` ("" is the working directory).
  // Mistakes are reported at its elements. `main_path` may be empty.
  IncludedFiles(const Value& patterns, const std::string& directory, const std::string& main_path);

  const std::vector<File>& files() const { return files_; }
  // All that must be watched: files, also those that are missing, and directories of patterns.
  std::vector<std::string> WatchedPaths() const;

  // The text of one, as it was read.
  void SetHash(size_t file, uint64_t hash) { hashes_.at(file) = hash; }
  // Of all names and texts; `start` when there are none.
  uint64_t Hash(uint64_t start) const;
  // The same of what the files hold now; nothing when others are named or one can't be read.
  std::optional<uint64_t> HashNow(uint64_t start) const;

  // Whether the same files are named, and not one of them was written meanwhile.
  bool Unchanged() const;
  // Forgets what only diagnostics need: the Document may go.
  void Settle();

 private:
  struct Pattern {
    std::string path;
    bool glob = false;
    friend bool operator==(const Pattern&, const Pattern&) = default;
  };
  void AddPattern(const Value& element, const std::string& directory);
  void AddFile(std::string path, const Value& named_at, bool glob);
  std::vector<std::string> PathsNow() const;

  std::vector<Pattern> patterns_;
  std::vector<std::string> directories_;  // Of globs.
  std::vector<std::string> paths_;        // All that the patterns matched, taken or not.
  FileStamp main_;
  std::vector<File> files_;
  std::vector<uint64_t> hashes_;
};

// The directory of `path` with its slash, or "" for that of a bare name.
std::string DirectoryOf(const std::string& path);

}  // namespace gatehouse::config
