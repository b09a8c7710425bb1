// SPDX-License-Identifier: Apache-2.0
// Several files as one tree, and what is read again when.
#include "source/config/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace gatehouse::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    std::string name = testing::TempDir() + "configuration_test.XXXXXX";
    folder_ = std::string(mkdtemp(name.data())) + "/";
  }
  ~ConfigurationTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_ + name).parent_path());
    std::ofstream(folder_ + name, std::ios::trunc) << text;
  }
  void Parse(const std::string& main, const DocumentLimits& limits = {}) {
    Write("main.yaml", main);
    configuration_.reset();
    diagnostics_ = {};
    configuration_ = Configuration::Parse({"main.yaml", main, folder_ + "main.yaml", folder_}, {},
                                          diagnostics_, limits);
  }
  // Diagnostics, with the folder left out.
  std::string Errors() const {
    std::string text = diagnostics_.ToText();
    for (size_t at = text.find(folder_); at != text.npos; at = text.find(folder_)) {
      text.erase(at, folder_.size());
    }
    return text;
  }
  std::string Merged() const { return configuration_->RootValue().Canonical(); }

  std::string folder_;
  Diagnostics diagnostics_;
  std::unique_ptr<Configuration> configuration_;
};

TEST_F(ConfigurationTest, OneFileIsItself) {
  Parse("routes: [a]\n");
  EXPECT_EQ(Merged(), R"({"routes":["a",],})");
  EXPECT_EQ(configuration_->included(), nullptr);
}

TEST_F(ConfigurationTest, ListsAreAppendedAndMappingsJoined) {
  Write("more/b.yaml", "routes: [b1, b2]\nclusters: {two: 2}\n");
  Write("more/a.yaml", "routes: [a]\nfilters: {deny: 1}\n");
  Write("last.yaml", "routes: [z]\nclusters: {three: 3}\n");
  Parse("include: [last.yaml, more/*.yaml]\nroutes: [m]\nclusters: {one: 1}\n");
  EXPECT_EQ(Errors(), "");
  EXPECT_EQ(Merged(),
            R"({"clusters":{"one":"1","three":"3","two":"2",},"filters":{"deny":"1",},)"
            R"("include":["last.yaml","more/*.yaml",],"routes":["m","z","a","b1","b2",],})");
}

TEST_F(ConfigurationTest, SectionsThatTheMainFileLacksOrLeavesEmpty) {
  Write("a.yaml", "routes: [a]\nclusters: {one: 1}\n");
  Write("b.yaml", "routes:\nclusters: {two: 2}\nlisteners: [l]\n");
  Parse("include: [a.yaml, b.yaml]\nroutes:\n");
  EXPECT_EQ(Errors(), "");
  EXPECT_THAT(Merged(), HasSubstr(R"("clusters":{"one":"1","two":"2",})"));
  EXPECT_THAT(Merged(), HasSubstr(R"("listeners":["l",],"routes":["a",])"));
}

TEST_F(ConfigurationTest, ANameDefinedTwiceShowsBothPlaces) {
  Write("a.yaml", "clusters:\n  one: 1\n");
  Write("b.yaml", "clusters: {two: 2}\n");
  Parse("include: [a.yaml, b.yaml]\nclusters:\n  one: 0\n  two: 0\n");
  EXPECT_EQ(Errors(),
            "a.yaml:2:3: clusters.one: the name \"one\" is taken at main.yaml:3:3\n"
            "b.yaml:1:12: clusters.two: the name \"two\" is taken at main.yaml:4:3\n");
}

TEST_F(ConfigurationTest, WhatThereIsOneOfBelongsInTheMainFile) {
  Write("a.yaml", "version: 1\nadmin: {}\nruntime: {}\nregistry: {}\ninclude: [b.yaml]\n");
  Parse("version: 1\ninclude: [a.yaml]\n");
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:2:1: admin: belongs in main.yaml"));
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:3:1: runtime: belongs in main.yaml"));
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:4:1: registry: belongs in main.yaml"));
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:5:1: include: an included file can't include others"));
  EXPECT_EQ(diagnostics_.errors(), 4u);

  Write("a.yaml", "version: 2\n");
  Parse("version: 1\ninclude: [a.yaml]\n");
  EXPECT_EQ(Errors(), "a.yaml:1:10: version: differs from the one at main.yaml:1:10\n");
}

TEST_F(ConfigurationTest, WhatIsMissing) {
  std::filesystem::create_directory(folder_ + "dir");
  Parse("include: [a.yaml, none/*.yaml, dir, \"\", x/**/y.yaml, main.yaml]\n");
  EXPECT_EQ(Errors(),
            "main.yaml:1:11: include[0]: can't read \"a.yaml\": No such file or directory\n"
            "main.yaml:1:19: warning: include[1]: no file matches \"none/*.yaml\"\n"
            "main.yaml:1:32: include[2]: \"dir\" is a directory: name the files in it "
            "(did you mean \"dir/*.yaml\"?)\n"
            "main.yaml:1:37: include[3]: must not be empty\n"
            "main.yaml:1:41: include[4]: \"**\" is not known here: a pattern is for one directory "
            "level at a time\n"
            "main.yaml:1:54: include[5]: the file includes itself\n");
  Parse("include: a.yaml\n");
  EXPECT_THAT(Errors(), HasSubstr("expected a list, got \"a.yaml\" (did you mean \"[a.yaml]\"?)"));
}

TEST_F(ConfigurationTest, MistakesAreWhereTheyWereMade) {
  Write("a.yaml", "# a comment\nroutes: 5\nclusters: [x]\n");
  Write("b.yaml", "routes: [\n");
  Write("c.yaml", "- routes\n");
  Parse("include: [a.yaml, b.yaml, c.yaml]\n");
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:2:9: routes: expected a list, got \"5\""));
  EXPECT_THAT(Errors(), HasSubstr("a.yaml:3:11: clusters: expected a mapping, got a list"));
  EXPECT_THAT(Errors(), HasSubstr("b.yaml:2:1: not valid YAML"));
  EXPECT_THAT(Errors(), HasSubstr("c.yaml:1:1: expected a mapping, got a list"));
}

TEST_F(ConfigurationTest, AFileIsTakenOnceAndNeverByItself) {
  Write("a.yaml", "routes: [a]\n");
  Write("b.yaml", "routes: [b]\n");
  std::filesystem::create_symlink("a.yaml", folder_ + "c.yaml");
  Parse("include: [b.yaml, \"*.yaml\"]\nroutes: [m]\n");
  EXPECT_EQ(Errors(), "");
  EXPECT_THAT(Merged(), HasSubstr(R"("routes":["m","b","a",])"));
}

TEST_F(ConfigurationTest, AFileThatWasSwitchedOffIsAWarning) {
  Write("a.yaml", "# routes: [a]\n\n---\n");
  Parse("include: [a.yaml]\n");
  EXPECT_EQ(Errors(), "a.yaml: warning: nothing is in this file\n");
}

TEST_F(ConfigurationTest, TheLimitsHoldForAllFilesTogether) {
  Write("a.yaml", "routes: [1, 2, 3, 4]\n");
  Write("b.yaml", "routes: [1, 2, 3, 4]\n");
  DocumentLimits limits;
  limits.max_nodes = 18;
  Parse("include: [a.yaml, b.yaml]\n", limits);
  EXPECT_THAT(Errors(), HasSubstr("b.yaml:1:"));
  EXPECT_THAT(Errors(), HasSubstr("values"));
  limits = {};
  limits.max_bytes = 60;
  Parse("include: [a.yaml, b.yaml]\n", limits);
  EXPECT_THAT(Errors(), HasSubstr("include[1]: can't read \"b.yaml\": larger than"));
}

TEST_F(ConfigurationTest, PipesAndDirectoriesAreRefusedAtOnce) {
  ASSERT_EQ(std::system(("mkfifo " + folder_ + "pipe.yaml").c_str()), 0);
  std::filesystem::create_directory(folder_ + "dir.yaml");
  Parse("include: [pipe.yaml, \"d*.yaml\"]\n");
  EXPECT_THAT(Errors(), HasSubstr("it is a pipe"));
  EXPECT_THAT(Errors(), HasSubstr("it is a directory"));
}

TEST_F(ConfigurationTest, TellsWhetherTheSameIsStillIncluded) {
  Write("r/a.yaml", "routes: [a]\n");
  Write("x.yaml", "routes: [x]\n");
  Parse("include: [\"r/*.yaml\", x.yaml]\n");
  const auto included = configuration_->included();
  EXPECT_THAT(included->WatchedPaths(),
              testing::ElementsAre(folder_ + "r/", folder_ + "r/a.yaml", folder_ + "x.yaml"));
  EXPECT_TRUE(included->Unchanged());
  EXPECT_EQ(included->HashNow(1), included->Hash(1));

  Write("r/notes.txt", "nobody includes this\n");
  EXPECT_TRUE(included->Unchanged());
  Write("r/b.yaml", "routes: [b]\n");
  EXPECT_FALSE(included->Unchanged());
  EXPECT_EQ(included->HashNow(1), std::nullopt);
  std::filesystem::remove(folder_ + "r/b.yaml");
  EXPECT_TRUE(included->Unchanged());

  Write("x.yaml", "routes: [xx]\n");
  EXPECT_FALSE(included->Unchanged());
  EXPECT_NE(included->HashNow(1), included->Hash(1));
  Write("x.yaml", "routes: [x]\n");
  EXPECT_EQ(included->HashNow(1), included->Hash(1));
  std::filesystem::remove(folder_ + "x.yaml");
  EXPECT_EQ(included->HashNow(1), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::config
