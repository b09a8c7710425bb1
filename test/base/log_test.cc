// SPDX-License-Identifier: Apache-2.0
#include "source/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::log {
namespace {

using std::chrono::seconds;

// Standard error, caught in a file for as long as this lives.
class CaughtStandardError {
 public:
  CaughtStandardError() {
    char name[] = "/tmp/log_test.XXXXXX";
    file_ = mkstemp(name);
    unlink(name);
    saved_ = dup(STDERR_FILENO);
    dup2(file_, STDERR_FILENO);
  }
  ~CaughtStandardError() {
    Flush();
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close(file_);
  }
  std::string Text() const {
    Flush();
    std::string out(1 << 20, '\0');
    out.resize(static_cast<size_t>(pread(file_, out.data(), out.size(), 0)));
    return out;
  }

 private:
  int file_ = -1;
  int saved_ = -1;
};

TEST(Log, ComposesOneLineWhateverIsInIt) {
  EXPECT_EQ(Compose("reload failed", {{"errors", 2}, {"source", "SIGHUP"}}),
            "reload failed errors=2 source=SIGHUP");
  EXPECT_EQ(Compose("x", {{"a", "two words"}, {"b", ""}, {"c", "k=v"}, {"d", "say \"hi\"\n"}}),
            "x a=\"two words\" b=\"\" c=\"k=v\" d=\"say \\\"hi\\\"\\u000a\"");
  EXPECT_EQ(Compose("two\nlines", {}).find('\n'), std::string::npos);
}

TEST(Log, LevelsHaveNames) {
  EXPECT_EQ(ParseLevel("debug"), Level::kDebug);
  EXPECT_EQ(ParseLevel("warn"), Level::kWarning);
  EXPECT_EQ(ParseLevel("verbose"), std::nullopt);
  for (const Level level :
       {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError, Level::kOff}) {
    EXPECT_EQ(ParseLevel(LevelName(level)), level);
  }
}

TEST(Log, WritesWhatTheLevelLetsThrough) {
  const CaughtStandardError caught;
  SetLevel(Level::kWarning);
  Info("not this");
  Warning("but this", {{"n", 7}});
  SetLevel(Level::kInfo);
  Info("and this");
  const std::string text = caught.Text();
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_NE(text.find("Z warning but this n=7\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Z info and this\n"), std::string::npos) << text;
}

TEST(Log, LosesNoLineOfManyThreads) {
  const CaughtStandardError caught;
  StartWriter();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) {
        Info("line", {{"thread", t}, {"i", i}});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::string text = caught.Text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2000);
}

TEST(Log, DoesNotWaitForAReaderThatHasStopped) {
  std::signal(SIGPIPE, SIG_IGN);
  StartWriter();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  const std::string long_text(1000, 'x');
  const MonotonicTime before = MonotonicNow();
  for (int i = 0; i < 20'000; ++i) {
    Info("stuck", {{"text", long_text}});
  }
  EXPECT_LT(MonotonicNow() - before, seconds(5));
  close(ends[0]);  // What is still queued ends with EPIPE.
  Flush(seconds(5));
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
}

TEST(Repeated, LetsOneThroughEachPeriodAndCountsTheOthers) {
  Repeated repeated(seconds(10));
  const MonotonicTime start = MonotonicNow();
  EXPECT_EQ(repeated.Admit(start), 0u);
  EXPECT_EQ(repeated.Admit(start + seconds(1)), std::nullopt);
  EXPECT_EQ(repeated.Admit(start + seconds(9)), std::nullopt);
  EXPECT_EQ(repeated.Admit(start + seconds(10)), 2u);
  EXPECT_EQ(repeated.Admit(start + seconds(11)), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::log
