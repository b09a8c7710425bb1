// SPDX-License-Identifier: Apache-2.0
#include "source/config/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gatehouse::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GlobTest : public testing::Test {
 protected:
  GlobTest() {
    std::string name = testing::TempDir() + "glob_test.XXXXXX";
    folder_ = std::string(mkdtemp(name.data())) + "/";
  }
  ~GlobTest() override { std::filesystem::remove_all(folder_); }

  void Make(const std::string& path) const {
    std::filesystem::create_directories(std::filesystem::path(folder_ + path).parent_path());
    std::ofstream(folder_ + path) << "x";
  }
  // Relative to the folder.
  std::vector<std::string> Matches(const std::string& pattern, size_t max_paths = 100) const {
    std::vector<std::string> out;
    for (const std::string& path : ExpandGlob(folder_ + pattern, max_paths).paths) {
      out.push_back(path.substr(folder_.size()));
    }
    return out;
  }

  std::string folder_;
};

TEST_F(GlobTest, TellsPatternsFromNames) {
  EXPECT_TRUE(IsGlob("routes/*.yaml"));
  EXPECT_TRUE(IsGlob("route?.yaml"));
  EXPECT_TRUE(IsGlob("[ab].yaml"));
  EXPECT_FALSE(IsGlob("routes/users.yaml"));
}

TEST_F(GlobTest, IsInLexicalOrder) {
  for (const char* name : {"b.yaml", "a.yaml", "10.yaml", "9.yaml", "B.yaml", "c.txt"}) {
    Make(name);
  }
  EXPECT_THAT(Matches("*.yaml"), ElementsAre("10.yaml", "9.yaml", "B.yaml", "a.yaml", "b.yaml"));
  EXPECT_THAT(Matches("?.yaml"), ElementsAre("9.yaml", "B.yaml", "a.yaml", "b.yaml"));
  EXPECT_THAT(Matches("[ac].*"), ElementsAre("a.yaml", "c.txt"));
}

TEST_F(GlobTest, LeavesHiddenNamesOut) {
  for (const char* name : {"a.yaml", ".a.yaml.swp", ".#a.yaml", "..data/a.yaml", "a.yaml~"}) {
    Make(name);
  }
  EXPECT_THAT(Matches("*.yaml"), ElementsAre("a.yaml"));
  EXPECT_THAT(Matches("*/*.yaml"), IsEmpty());
  EXPECT_THAT(Matches("..data/*"), ElementsAre("..data/a.yaml"));
}

TEST_F(GlobTest, MatchesDirectoriesToo) {
  for (const char* name : {"team-a/routes.yaml", "team-b/routes.yaml", "team-c/other.yaml"}) {
    Make(name);
  }
  EXPECT_THAT(Matches("team-*/routes.yaml"),
              ElementsAre("team-a/routes.yaml", "team-b/routes.yaml"));
  EXPECT_EQ(ExpandGlob(folder_ + "team-*/*.yaml", 100).directories.size(), 4u);
}

TEST_F(GlobTest, ADirectoryThatIsNotThereHoldsNothing) {
  const GlobMatches matches = ExpandGlob(folder_ + "none/*.yaml", 100);
  EXPECT_THAT(matches.paths, IsEmpty());
  EXPECT_EQ(matches.error, "");
  EXPECT_THAT(matches.directories, ElementsAre(folder_ + "none/"));
}

TEST_F(GlobTest, IsBounded) {
  for (int i = 0; i < 5; ++i) {
    Make(std::to_string(i) + ".yaml");
  }
  const GlobMatches matches = ExpandGlob(folder_ + "*.yaml", 3);
  EXPECT_EQ(matches.paths.size(), 3u);
  EXPECT_THAT(matches.error, HasSubstr("more than 3"));
}

}  // namespace
}  // namespace gatehouse::config
