// SPDX-License-Identifier: Apache-2.0
#include "source/config/include.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "source/config/document.h"
#include "source/config/glob.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

uint64_t HashOfFile(const std::string& path, uint64_t text_hash, uint64_t start) {
  return HashOf({reinterpret_cast<const char*>(&text_hash), sizeof(text_hash)},
                HashOf(path, HashOf(std::string_view("\0", 1), start)));
}

bool IsDirectory(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace

uint64_t HashOf(std::string_view text, uint64_t start) {
  uint64_t hash = start;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

std::string DirectoryOf(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);  // npos + 1 is 0.
}

FileStamp FileStamp::Of(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    return {};
  }
  return {.exists = true,
          .device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .modified_ns = Nanoseconds(info.st_mtim),
          .changed_ns = Nanoseconds(info.st_ctim)};
}

IncludedFiles::IncludedFiles(const Value& patterns, const std::string& directory,
                             const std::string& main_path) {
  if (!main_path.empty()) {
    main_ = FileStamp::Of(main_path);
  }
  for (const Value& element : patterns.List()) {
    AddPattern(element, directory);
  }
  hashes_.resize(files_.size());
}

void IncludedFiles::AddPattern(const Value& element, const std::string& directory) {
  const std::string text = element.String();
  if (!element.IsScalar()) {
    return;  // Reported.
  }
  if (text.empty()) {
    element.Error("must not be empty");
    return;
  }
  if (text.find("**") != text.npos) {
    element.Error("\"**\" is not known here: a pattern is for one directory level at a time");
    return;
  }
  Pattern pattern{text.starts_with('/') ? text : directory + text, IsGlob(text)};
  if (!pattern.glob) {
    if (IsDirectory(pattern.path)) {
      element.Error(Quoted(text) + " is a directory: name the files in it",
                    text + (text.ends_with('/') ? "*.yaml" : "/*.yaml"));
    } else {
      AddFile(pattern.path, element, /*glob=*/false);
    }
    paths_.push_back(pattern.path);
    patterns_.push_back(std::move(pattern));
    return;
  }
  GlobMatches matches = ExpandGlob(pattern.path, kMaxFiles);
  patterns_.push_back(std::move(pattern));
  directories_.insert(directories_.end(), matches.directories.begin(), matches.directories.end());
  if (!matches.error.empty()) {
    element.Error(std::move(matches.error));
  } else if (matches.paths.empty()) {
    element.Warning("no file matches " + Quoted(text));
  }
  for (std::string& path : matches.paths) {
    paths_.push_back(path);
    AddFile(std::move(path), element, /*glob=*/true);
  }
}

void IncludedFiles::AddFile(std::string path, const Value& named_at, bool glob) {
  const FileStamp stamp = FileStamp::Of(path);
  if (stamp.SameFile(main_)) {
    if (!glob) {
      named_at.Error("the file includes itself");
    }
    return;
  }
  const bool taken = std::any_of(files_.begin(), files_.end(),
                                 [&](const File& one) { return one.stamp.SameFile(stamp); });
  if (taken) {
    return;
  }
  if (files_.size() == kMaxFiles) {
    named_at.Error("more than " + std::to_string(kMaxFiles) + " files are included");
    return;
  }
  files_.push_back({std::move(path), stamp, named_at});
}

std::vector<std::string> IncludedFiles::WatchedPaths() const {
  std::vector<std::string> out = directories_;
  for (const Pattern& pattern : patterns_) {
    if (!pattern.glob) {
      out.push_back(pattern.path);
    }
  }
  for (const File& file : files_) {
    out.push_back(file.path);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

uint64_t IncludedFiles::Hash(uint64_t start) const {
  uint64_t hash = start;
  for (size_t i = 0; i < files_.size(); ++i) {
    hash = HashOfFile(files_[i].path, hashes_[i], hash);
  }
  return hash;
}

std::optional<uint64_t> IncludedFiles::HashNow(uint64_t start) const {
  if (PathsNow() != paths_) {
    return std::nullopt;
  }
  uint64_t hash = start;
  for (const File& file : files_) {
    const Result<std::string> text = ReadFile(file.path);
    if (!text) {
      return std::nullopt;
    }
    hash = HashOfFile(file.path, HashOf(*text), hash);
  }
  return hash;
}

std::vector<std::string> IncludedFiles::PathsNow() const {
  std::vector<std::string> out;
  for (const Pattern& pattern : patterns_) {
    if (!pattern.glob) {
      out.push_back(pattern.path);
      continue;
    }
    const GlobMatches matches = ExpandGlob(pattern.path, kMaxFiles);
    out.insert(out.end(), matches.paths.begin(), matches.paths.end());
  }
  return out;
}

bool IncludedFiles::Unchanged() const {
  return PathsNow() == paths_ && std::all_of(files_.begin(), files_.end(), [](const File& file) {
           return FileStamp::Of(file.path) == file.stamp;
         });
}

void IncludedFiles::Settle() {
  for (File& file : files_) {
    file.named_at = {};
  }
}

}  // namespace gatehouse::config
