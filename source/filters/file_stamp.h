// SPDX-License-Identifier: Apache-2.0
// What tells one version of a file from the next.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <utility>

namespace gatehouse::filters {

// All zero: the file can't be read.
struct FileStamp {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t changed_ns = 0;

  // Take it before the file is read: a change after that makes the stamps differ.
  static FileStamp Of(std::string path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) {
      return {.path = std::move(path)};
    }
    return {std::move(path), status.st_dev, status.st_ino, status.st_size,
            status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
  }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

}  // namespace gatehouse::filters
