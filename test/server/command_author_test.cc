// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "source/config/document.h"
#include "source/server/checked_config.h"
#include "source/server/commands.h"
#include "source/server/starter_config.h"

namespace gatehouse::server {
namespace {

// A folder of the test's own.
class Init : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/init.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Its exit code; what it says is in said_ and printed_.
  int Run(InitOptions options) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = InitCommand(options);
    printed_ = testing::internal::GetCapturedStdout();
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Content(const std::string& path) {
    return config::ReadSource(path).value_or("(none)");
  }

  std::filesystem::path folder_;
  std::string printed_;
  std::string said_;
};

TEST_F(Init, WritesAFileThatIsValidAndTheSchemaBesideIt) {
  EXPECT_EQ(Run({.output = Path("gatehouse.yaml")}), 0) << said_;
  const std::string text = Content(Path("gatehouse.yaml"));
  EXPECT_TRUE(text.starts_with("# yaml-language-server: $schema=gatehouse.schema.json\n"));
  const CheckedConfig config("f.yaml", text, config::ProcessEnvironment());
  EXPECT_TRUE(config.valid(/*strict=*/true)) << config.Report(true);
  EXPECT_TRUE(Content(Path(kSchemaFile)).starts_with("{\n  \"$schema\""));
  EXPECT_NE(said_.find("wrote " + Path("gatehouse.yaml")), said_.npos) << said_;
}

TEST_F(Init, LeavesWhatIsThere) {
  std::ofstream(Path("gatehouse.yaml")) << "mine";
  EXPECT_EQ(Run({.output = Path("gatehouse.yaml")}), 1);
  EXPECT_NE(said_.find("is there already"), said_.npos) << said_;
  EXPECT_EQ(Content(Path("gatehouse.yaml")), "mine");
  EXPECT_FALSE(std::filesystem::exists(Path(kSchemaFile)));
}

TEST_F(Init, LeavesASchemaThatIsThere) {
  std::ofstream(Path(kSchemaFile)) << "mine";
  EXPECT_EQ(Run({.output = Path("gatehouse.yaml")}), 0);
  EXPECT_EQ(Content(Path(kSchemaFile)), "mine");
  EXPECT_NE(said_.find("gatehouse schema"), said_.npos) << said_;
}

TEST_F(Init, DoesWithoutTheSchema) {
  EXPECT_EQ(Run({.output = Path("a.yaml"), .schema = false}), 0);
  EXPECT_EQ(Content(Path("a.yaml")), kStarterConfig);
  EXPECT_FALSE(std::filesystem::exists(Path(kSchemaFile)));
}

TEST_F(Init, PrintsInsteadOfWriting) {
  EXPECT_EQ(Run({.output = "-"}), 0);
  EXPECT_EQ(printed_, std::string(kSchemaModeline) + std::string(kStarterConfig));
  EXPECT_EQ(said_, "");
}

TEST_F(Init, SaysWhyItCantWrite) {
  EXPECT_EQ(Run({.output = Path("no/such/folder/a.yaml")}), 1);
  EXPECT_NE(said_.find("can't write"), said_.npos) << said_;
  EXPECT_NE(said_.find("No such file or directory"), said_.npos) << said_;
}

// What is commented out works, too, when the comment signs go.
TEST(StarterConfig, ItsCommentedPartsAreValid) {
  std::string text(kStarterConfig);
  for (const char* line : {"# trusted_proxies:", "# upgrades:", "# - {address:", "# - name: canary",
                           "#   match:", "#   rewrite:", "#   cluster:", "#   labels:"}) {
    const size_t at = text.find(line);
    ASSERT_NE(at, text.npos) << line;
    text.erase(at, 2);
  }
  const CheckedConfig config("f.yaml", text, config::ProcessEnvironment());
  EXPECT_TRUE(config.valid(/*strict=*/true)) << config.Report(true) << text;
}

TEST(SchemaCommand, PrintsEachFormat) {
  for (const auto& [format, begins] :
       {std::pair{"json", "{\n  \"$schema\""}, {"markdown", "# "}, {"example", "version: 1\n"}}) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(SchemaCommand(format), 0);
    EXPECT_TRUE(testing::internal::GetCapturedStdout().starts_with(begins)) << format;
  }
}

}  // namespace
}  // namespace gatehouse::server
