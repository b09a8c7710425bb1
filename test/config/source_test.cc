// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "source/config/document.h"

namespace gatehouse::config {
namespace {

class SourceTest : public testing::Test {
 protected:
  SourceTest() : folder_(testing::TempDir() + "source_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~SourceTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Write(const std::string& name, std::string_view text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

 private:
  std::string folder_;
};

TEST_F(SourceTest, ReadsWholeFiles) {
  const std::string text = std::string(200'000, 'x') + std::string("\0y", 2);
  EXPECT_EQ(ReadSource(Write("a", text)), text);
  EXPECT_EQ(ReadSource(Write("b", "")), "");
}

TEST_F(SourceTest, ErrorsNameThePathAndTheReason) {
  const std::string missing = Path("missing.yaml");
  const Result<std::string> result = ReadSource(missing);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_EQ(result.error().message, "can't read \"" + missing + "\": No such file or directory");
}

TEST_F(SourceTest, RefusesDirectoriesAndLargeFiles) {
  std::filesystem::create_directory(Path("folder"));
  EXPECT_NE(ReadSource(Path("folder")).error().message.find("it is a directory"),
            std::string::npos);
  const std::string path = Write("large", "12345");
  EXPECT_TRUE(ReadSource(path, 5));
  EXPECT_NE(ReadSource(path, 4).error().message.find("larger than 4B"), std::string::npos);
}

TEST_F(SourceTest, ReadsPipes) {
  const std::string path = Path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(path) << "a: 1\n"; });
  EXPECT_EQ(ReadSource(path), "a: 1\n");
  writer.join();
}

TEST_F(SourceTest, ReadsFilesThatSayTheyAreEmpty) {
  const Result<std::string> status = ReadSource("/proc/self/status");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->starts_with("Name:"));
}

TEST_F(SourceTest, NeverReturnsHalfOfAFileThatIsReplaced) {
  const std::string one(100'000, '1');
  const std::string two(150'000, '2');
  const std::string path = Write("file", one);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (bool odd = true; !stop; odd = !odd) {
      std::filesystem::rename(Write("next", odd ? two : one), path);
    }
  });
  for (int i = 0; i < 50; ++i) {
    const Result<std::string> text = ReadSource(path);
    // A file that never rests may also be refused.
    EXPECT_TRUE(!text || *text == one || *text == two);
    if (!text) {
      EXPECT_NE(text.error().message.find("it keeps changing"), std::string::npos);
    }
  }
  stop = true;
  writer.join();
}

TEST(ProcessEnvironmentTest, TellsUnsetFromEmpty) {
  setenv("GATEHOUSE_SOURCE_TEST", "", 1);
  const Environment environment = ProcessEnvironment();
  EXPECT_EQ(environment("GATEHOUSE_SOURCE_TEST"), "");
  unsetenv("GATEHOUSE_SOURCE_TEST");
  EXPECT_EQ(environment("GATEHOUSE_SOURCE_TEST"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::config
