// SPDX-License-Identifier: Apache-2.0
// Log lines from all workers to one file or syslog server, without ever making a worker wait.
//
// Each worker has a ring of its own; one thread empties all of them with few large writes, every
// 100 ms and as soon as a ring is half full. When what is written to can't keep up (nobody reads
// the pipe, the disk is full, the server is away) lines wait in the rings, and once those are full
// new lines are dropped and counted. Lines of one worker keep their order; lines are never torn or
// mixed.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/observe/log_output.h"
#include "source/observe/log_ring.h"
#include "source/observe/syslog_socket.h"

namespace gatehouse::observe {

struct LogSinkOptions {
  static constexpr uint64_t kMinBuffer = 64 * 1024;
  static constexpr uint64_t kMaxBuffer = 256u << 20;

  std::string path{};  // As LogFile::Open() takes it; or
  std::optional<SyslogAddress> syslog{};
  // Bytes of each worker's ring, rounded up to a power of two. Idle workers use none of it.
  uint64_t buffer_bytes = 1 << 20;
  uint32_t workers = 1;
  Duration flush_interval = std::chrono::milliseconds(100);
  // How long the destructor tries to write what is left.
  Duration drain_time = std::chrono::seconds(1);
  // How long must pass between a report that all is well again and the next one, and between those
  // that lines are dropped: what a server answers to datagrams may change with each of them.
  Duration report_interval = std::chrono::minutes(1);
  // Told when writing starts to fail and when it works again, and when lines are dropped; on the
  // writer's thread. Null: the operational log.
  std::function<void(const std::string& sentence)> report{};
};

class LogSink {
 public:
  static Result<std::shared_ptr<LogSink>> Open(LogSinkOptions options);
  // Writes what is left, within `drain_time`. No Append() may run or follow.
  ~LogSink();
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // `line` ends with a line feed. The thread of `worker`, an index below options.workers, and no
  // other. False when the line was dropped.
  bool Append(uint32_t worker, std::string_view line);

  // Closes the file and opens its path again, soon: it may have been renamed. Any thread.
  void Reopen();

  // Any thread.
  uint64_t dropped_lines() const { return dropped_.load(std::memory_order_relaxed); }
  uint64_t written_bytes() const { return written_.load(std::memory_order_relaxed); }
  uint64_t write_errors() const { return errors_.load(std::memory_order_relaxed); }
  // Where lines go: the path, or the server's address.
  const std::string& name() const { return name_; }

 private:
  // How an attempt to write ended.
  enum class Outcome : uint8_t { kEmpty, kBlocked, kFailed };

  LogSink(LogSinkOptions options, std::unique_ptr<LogOutput> output, int wake_fd);
  LogRing* RingOf(uint32_t worker);
  void Wake();

  // The writer's thread.
  void Run();
  void Wait(Outcome last, MonotonicTime until);
  Outcome WriteAll();
  Outcome WriteRing(LogRing& ring);
  void ReopenOutput();
  void FinishLine(LogRing& ring);
  void NoteFailure(int error);
  void NoteSuccess(size_t bytes);
  void ReportState();
  void ReportDrops();
  void LoseTheRest();
  void Report(std::string_view phrase, std::string_view reason);

  const LogSinkOptions options_;
  const std::string name_;
  const size_t ring_bytes_;
  const std::unique_ptr<LogOutput> output_;  // The writer's.
  const int wake_fd_;
  std::vector<std::atomic<LogRing*>> rings_;  // Made by their worker, destroyed with the sink.
  std::atomic<bool> stop_{false};
  std::atomic<bool> reopen_{false};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> errors_{0};
  // The writer's: whose turn it is, and whether it has written part of a line of that ring. Then no
  // other ring may write before the line is whole.
  size_t next_ring_ = 0;
  bool mid_line_ = false;
  bool failing_ = false;
  int last_error_ = 0;
  // What was reported, and when the next report of its kind may come.
  bool reported_failing_ = false;
  uint64_t reported_drops_ = 0;
  MonotonicTime next_failure_report_{};
  MonotonicTime next_drop_report_{};
  std::thread writer_;
};

// The sinks in use, by where they write to, so that filters that log to the same place, in this and
// in the previous configuration, share one. The thread that compiles.
class LogSinks {
 public:
  // The sink of the path or server: the one in use, or a new one.
  Result<std::shared_ptr<LogSink>> Open(const LogSinkOptions& options);

 private:
  struct Key {
    std::string name;
    bool syslog;
    uint64_t buffer_bytes;
    uint32_t workers;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, std::weak_ptr<LogSink>> sinks_;
};

}  // namespace gatehouse::observe
