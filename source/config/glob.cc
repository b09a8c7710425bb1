// SPDX-License-Identifier: Apache-2.0
#include "source/config/glob.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace gatehouse::config {
namespace {

class Expansion {
 public:
  explicit Expansion(size_t max_paths) : max_paths_(max_paths) {}

  // `done` is what was matched so far, with its slash; `rest` what is left of the pattern.
  void Walk(const std::string& done, std::string_view rest) {
    const size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    const bool last = slash == rest.npos;
    const std::string_view next = last ? std::string_view() : rest.substr(slash + 1);
    if (!IsGlob(name)) {
      Take(done + name, last, next);
      return;
    }
    for (const std::string& found : Names(done, name)) {
      Take(done + found, last, next);
    }
  }

  GlobMatches Finish() && { return std::move(out_); }

 private:
  void Take(const std::string& path, bool last, std::string_view next) {
    if (!last) {
      Walk(path + "/", next);
      return;
    }
    std::error_code ignored;
    // A link that leads nowhere is there, and said to be unreadable later.
    const auto status = std::filesystem::symlink_status(path, ignored);
    if (!std::filesystem::exists(status)) {
      return;
    }
    if (out_.paths.size() >= max_paths_) {
      Fail("it matches more than " + std::to_string(max_paths_) + " files");
      return;
    }
    out_.paths.push_back(path);
  }

  std::vector<std::string> Names(const std::string& directory, const std::string& pattern) {
    const std::string path = directory.empty() ? "." : directory;
    out_.directories.push_back(path);
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
         at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) {
        names.push_back(name);
      }
    }
    // A directory that is not there holds nothing.
    if (error && error != std::errc::no_such_file_or_directory &&
        error != std::errc::not_a_directory) {
      Fail("can't read the directory \"" + path + "\": " + error.message());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  void Fail(std::string why) {
    if (out_.error.empty()) {
      out_.error = std::move(why);
    }
  }

  const size_t max_paths_;
  GlobMatches out_;
};

}  // namespace

bool IsGlob(std::string_view path) { return path.find_first_of("*?[") != path.npos; }

GlobMatches ExpandGlob(const std::string& pattern, size_t max_paths) {
  Expansion expansion(max_paths);
  expansion.Walk("", pattern);
  return std::move(expansion).Finish();
}

}  // namespace gatehouse::config
