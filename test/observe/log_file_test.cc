// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace gatehouse::observe {
namespace {

std::string TestPath(const std::string& name) {
  const std::string path = testing::TempDir() + "log_file_test_" + name;
  std::filesystem::remove_all(path);
  return path;
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

ssize_t Write(LogFile& file, std::string text) {
  std::array<iovec, 1> pieces{iovec{text.data(), text.size()}};
  return file.Write(pieces);
}

TEST(LogFileTest, MakesAndAppends) {
  const std::string path = TestPath("new");
  {
    Result<LogFile> file = LogFile::Open(path);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(Write(*file, "one\n"), 4);
  }
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07, 0u) << "log lines are not for everybody";
  Result<LogFile> again = LogFile::Open(path);
  EXPECT_EQ(Write(*again, "two\n"), 4);
  EXPECT_EQ(Contents(path), "one\ntwo\n");
}

TEST(LogFileTest, CheckLeavesNothingBehind) {
  const std::string path = TestPath("checked");
  EXPECT_TRUE(LogFile::Check(path));
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(LogFile::Check("stdout"));
}

TEST(LogFileTest, ErrorsNameThePathAndTheReason) {
  const std::string missing = TestPath("no_directory") + "/access.log";
  const std::string sentence = "\"" + missing + "\" can't be written: No such file or directory";
  EXPECT_EQ(LogFile::Open(missing).error().message, sentence);
  EXPECT_EQ(LogFile::Check(missing).error().message, sentence);
  EXPECT_EQ(LogFile::Check("/").error().message, "\"/\" can't be written: Is a directory");
  EXPECT_EQ(LogFile::Check("").error().message, "\"\" can't be written: No such file or directory");
}

TEST(LogFileTest, AFifoWithoutAReaderIsOpenedAtOnce) {
  const std::string path = TestPath("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(LogFile::Check(path));
  Result<LogFile> file = LogFile::Open(path);
  ASSERT_TRUE(file) << file.error().message;
  while (Write(*file, std::string(4096, 'x')) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
}

// Standard output as a pipe that this process shares with others.
class SharedPipe {
 public:
  SharedPipe() : saved_(dup(STDOUT_FILENO)) {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_GE(dup2(ends_[1], STDOUT_FILENO), 0);
  }
  ~SharedPipe() {
    dup2(saved_, STDOUT_FILENO);
    close(saved_);
    close(ends_[0]);
    close(ends_[1]);
  }
  int read_end() const { return ends_[0]; }
  bool blocking() const { return (fcntl(ends_[1], F_GETFL) & O_NONBLOCK) == 0; }

 private:
  int saved_;
  int ends_[2];
};

TEST(LogFileTest, StandardOutputStaysAsItWas) {
  bool blocking = false;
  std::string got(5, '\0');
  int full_errno = 0;
  {
    const SharedPipe shared;
    Result<LogFile> file = LogFile::Open("stdout");
    Write(*file, "line\n");
    EXPECT_EQ(read(shared.read_end(), got.data(), got.size()), 5);
    blocking = shared.blocking();
    while (Write(*file, std::string(4096, 'x')) > 0) {
    }
    full_errno = errno;
  }
  EXPECT_EQ(got, "line\n");
  EXPECT_TRUE(blocking) << "the shell's descriptor was made non-blocking";
  EXPECT_EQ(full_errno, EAGAIN);
}

}  // namespace
}  // namespace gatehouse::observe
