// SPDX-License-Identifier: Apache-2.0
// A directory of its own with a path short enough for unix sockets (107 bytes in all): Bazel's
// TEST_TMPDIR is not. Removed with the object.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace gatehouse::event {

struct ShortDirectory {
  ShortDirectory() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~ShortDirectory() { std::filesystem::remove_all(path); }
  ShortDirectory(const ShortDirectory&) = delete;
  ShortDirectory& operator=(const ShortDirectory&) = delete;
  std::string path = "/tmp/gatehouse-XXXXXX";
};

}  // namespace gatehouse::event
