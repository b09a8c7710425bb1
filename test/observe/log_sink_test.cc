// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::observe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kDeadline = seconds(20);

std::string TestPath(const std::string& name) {
  const std::string path = testing::TempDir() + "log_sink_test_" + name;
  std::filesystem::remove_all(path);
  return path;
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether `condition` comes true in time.
template <typename Condition>
bool Soon(Condition condition) {
  const MonotonicTime deadline = MonotonicNow() + kDeadline;
  while (!condition()) {
    if (MonotonicNow() > deadline) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

// What a sink reports, to be waited for.
class Reports {
 public:
  std::function<void(const std::string&)> Listener() {
    return [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      sentences_.push_back(sentence);
      changed_.notify_all();
    };
  }
  bool WaitFor(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return CountLocked(text) > 0; });
  }
  size_t Count(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return CountLocked(text);
  }

 private:
  size_t CountLocked(std::string_view text) const {
    return std::count_if(sentences_.begin(), sentences_.end(), [&](const std::string& sentence) {
      return sentence.find(text) != std::string::npos;
    });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> sentences_;
};

std::shared_ptr<LogSink> Open(LogSinkOptions options) {
  Result<std::shared_ptr<LogSink>> sink = LogSink::Open(std::move(options));
  EXPECT_TRUE(sink) << sink.error().message;
  return sink ? *sink : nullptr;
}

TEST(LogSinkTest, EveryLineOfEveryWorkerIsWrittenWholeAndInOrder) {
  constexpr int kLines = 20'000;
  constexpr uint32_t kWorkers = 3;
  const std::string path = TestPath("order");
  {
    const auto sink = Open({.path = path, .workers = kWorkers});
    std::vector<std::thread> workers;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker] {
        for (int i = 0; i < kLines;) {
          const std::string line = std::to_string(worker) + " " + std::to_string(i) + " end\n";
          i += sink->Append(worker, line) ? 1 : 0;
        }
      });
    }
    for (std::thread& worker : workers) {
      worker.join();
    }
  }
  std::ifstream in(path);
  std::vector<int> next(kWorkers);
  uint32_t worker;
  int number;
  std::string end;
  while (in >> worker >> number >> end) {
    ASSERT_EQ(end, "end");
    ASSERT_LT(worker, kWorkers);
    ASSERT_EQ(number, next[worker]++);
  }
  EXPECT_EQ(next, std::vector<int>(kWorkers, kLines));
}

TEST(LogSinkTest, LinesAppearWithoutBeingAskedFor) {
  const std::string path = TestPath("soon");
  const auto sink = Open({.path = path});
  EXPECT_TRUE(sink->Append(0, "a line\n"));
  EXPECT_TRUE(Soon([&] { return Contents(path) == "a line\n"; }));
}

TEST(LogSinkTest, AHalfFullRingWakesTheWriter) {
  const std::string path = TestPath("half");
  const auto sink = Open({.path = path,
                          .buffer_bytes = LogSinkOptions::kMinBuffer,
                          .flush_interval = std::chrono::hours(1)});
  const std::string line = std::string(1023, 'x') + "\n";
  for (uint64_t bytes = 0; bytes < LogSinkOptions::kMinBuffer / 2; bytes += line.size()) {
    EXPECT_TRUE(sink->Append(0, line));
  }
  EXPECT_TRUE(Soon([&] { return sink->written_bytes() >= LogSinkOptions::kMinBuffer / 2; }));
}

TEST(LogSinkTest, APipeThatNobodyReadsMakesNobodyWait) {
  const std::string path = TestPath("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Reports reports;
  const MonotonicTime before = MonotonicNow();
  {
    const auto sink = Open({.path = path,
                            .buffer_bytes = LogSinkOptions::kMinBuffer,
                            .drain_time = milliseconds(50),
                            .report = reports.Listener()});
    const std::string line = std::string(999, 'x') + "\n";
    uint64_t dropped = 0;
    const auto append = [&] { dropped += sink->Append(0, line) ? 0 : 1; };
    EXPECT_TRUE(Soon([&] {
      append();
      return sink->written_bytes() > 60'000;  // The pipe is full.
    }));
    for (int i = 0; i < 1000; ++i) {
      append();
    }
    EXPECT_GT(dropped, 900u) << "only a ring's 64 KiB can wait";
    EXPECT_EQ(sink->dropped_lines(), dropped);
    EXPECT_TRUE(reports.WaitFor("lines dropped"));
  }
  EXPECT_LT(MonotonicNow() - before, seconds(5));
  EXPECT_EQ(reports.Count("lines dropped"), 1u) << "once in a minute is enough";
  EXPECT_EQ(reports.Count("lost at the end"), 1u);
  EXPECT_EQ(reports.Count(" were left\""), 1u);
}

TEST(LogSinkTest, ALateReaderGetsWhatWasKept) {
  const std::string path = TestPath("late");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto sink = Open({.path = path});
  const std::string line = std::string(999, 'x') + "\n";
  for (int i = 0; i < 300; ++i) {
    EXPECT_TRUE(sink->Append(0, line));
  }
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  size_t got = 0;
  std::string piece(65536, '\0');
  while (got < 300'000) {
    pollfd ready{reader, POLLIN, 0};
    ASSERT_EQ(poll(&ready, 1, 20'000), 1);
    const ssize_t bytes = read(reader, piece.data(), piece.size());
    ASSERT_GT(bytes, 0);
    got += static_cast<size_t>(bytes);
  }
  close(reader);
  EXPECT_EQ(got, 300'000u);
}

TEST(LogSinkTest, AFullDiskIsReportedOnceAndTriedAgain) {
  Reports reports;
  {
    const auto sink = Open({.path = "/dev/full",
                            .flush_interval = milliseconds(1),
                            .drain_time = milliseconds(20),
                            .report = reports.Listener()});
    EXPECT_TRUE(sink->Append(0, "a line\n"));
    EXPECT_TRUE(reports.WaitFor("No space left on device"));
    EXPECT_TRUE(Soon([&] { return sink->write_errors() >= 5; }));
  }
  EXPECT_EQ(reports.Count("can't be written"), 1u);
}

// Lets files grow to so many bytes only, as a full disk would.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_;
};

TEST(LogSinkTest, WritingGoesOnInTheMiddleOfALine) {
  const std::string path = TestPath("torn");
  Reports reports;
  {
    const auto sink = Open({.path = path,
                            .workers = 2,
                            .flush_interval = milliseconds(1),
                            .report = reports.Listener()});
    {
      const SmallFiles small(15);
      EXPECT_TRUE(sink->Append(0, "first line\nsecond line\n"));
      EXPECT_TRUE(reports.WaitFor("can't be written"));
      EXPECT_TRUE(sink->Append(1, "another worker\n"));
    }
    EXPECT_TRUE(reports.WaitFor("is written again"));
  }
  EXPECT_EQ(Contents(path), "first line\nsecond line\nanother worker\n");
}

TEST(LogSinkTest, ReopenFollowsARename) {
  const std::string path = TestPath("rotated");
  const std::string old_path = path + ".1";
  {
    const auto sink = Open({.path = path});
    EXPECT_TRUE(sink->Append(0, "before\n"));
    ASSERT_TRUE(Soon([&] { return sink->written_bytes() == 7; }));
    std::filesystem::rename(path, old_path);
    sink->Reopen();
    ASSERT_TRUE(Soon([&] { return std::filesystem::exists(path); }));
    EXPECT_TRUE(sink->Append(0, "after\n"));
  }
  EXPECT_EQ(Contents(old_path), "before\n");
  EXPECT_EQ(Contents(path), "after\n");
}

TEST(LogSinkTest, ReopenNeverTearsALine) {
  const std::string path = TestPath("torn_rotated");
  const std::string old_path = path + ".1";
  Reports reports;
  {
    const auto sink =
        Open({.path = path, .flush_interval = milliseconds(1), .report = reports.Listener()});
    {
      const SmallFiles small(15);
      EXPECT_TRUE(sink->Append(0, "first line\nsecond line\nthird\n"));
      EXPECT_TRUE(reports.WaitFor("can't be written"));
      std::filesystem::rename(path, old_path);
      sink->Reopen();
      ASSERT_TRUE(Soon([&] { return std::filesystem::exists(path); }));
    }
  }
  EXPECT_EQ(Contents(old_path), "first line\nseco");
  EXPECT_EQ(Contents(path), "third\n") << "the rest of a torn line must not begin the new file";
}

TEST(LogSinkTest, AFileThatCannotBeReopenedIsKept) {
  const std::string folder = TestPath("folder");
  std::filesystem::create_directory(folder);
  Reports reports;
  const auto sink = Open({.path = folder + "/a.log", .report = reports.Listener()});
  std::filesystem::remove_all(folder);
  sink->Reopen();
  EXPECT_TRUE(reports.WaitFor("No such file or directory"));
  EXPECT_TRUE(sink->Append(0, "a line\n"));
  EXPECT_TRUE(Soon([&] { return sink->written_bytes() == 7; }));
}

TEST(LogSinkTest, WhatCannotFitIsDropped) {
  const auto sink = Open({.path = TestPath("huge"), .buffer_bytes = 1});
  EXPECT_FALSE(sink->Append(0, std::string(LogSinkOptions::kMinBuffer + 1, 'x')));
  EXPECT_FALSE(sink->Append(1, "of a worker that is not there\n"));
  EXPECT_EQ(sink->dropped_lines(), 2u);
}

TEST(LogSinksTest, OnePathHasOneWriter) {
  LogSinks sinks;
  LogSinkOptions options{.path = TestPath("shared")};
  auto first = *sinks.Open(options);
  EXPECT_EQ(*sinks.Open(options), first);
  options.workers = 2;
  EXPECT_NE(*sinks.Open(options), first);
  options.path = "/nowhere/a.log";
  EXPECT_FALSE(sinks.Open(options));
}

}  // namespace
}  // namespace gatehouse::observe
