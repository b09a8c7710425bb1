// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_sink.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>

#include "source/base/log.h"
#include "source/observe/log_file.h"

namespace gatehouse::observe {
namespace {

int Milliseconds(Duration duration) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<int>(std::clamp<int64_t>(rounded, 0, 60'000));
}

std::string NameOf(const LogSinkOptions& options) {
  return options.syslog ? options.syslog->ToString() : options.path;
}

}  // namespace

Result<std::shared_ptr<LogSink>> LogSink::Open(LogSinkOptions options) {
  std::unique_ptr<LogOutput> output;
  if (options.syslog) {
    output = std::make_unique<SyslogSocket>(*options.syslog);
  } else {
    Result<LogFile> file = LogFile::Open(options.path);
    if (!file) {
      return tl::unexpected(file.error());
    }
    output = std::make_unique<LogFile>(*std::move(file));
  }
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) {
    return Fail(ErrorCode::kIo, ErrorSource::kInternal,
                std::string("no descriptor to wake the log writer: ") + std::strerror(errno));
  }
  return std::shared_ptr<LogSink>(new LogSink(std::move(options), std::move(output), wake_fd));
}

LogSink::LogSink(LogSinkOptions options, std::unique_ptr<LogOutput> output, int wake_fd)
    : options_(std::move(options)),
      name_(NameOf(options_)),
      ring_bytes_(std::bit_ceil(std::clamp(options_.buffer_bytes, LogSinkOptions::kMinBuffer,
                                           LogSinkOptions::kMaxBuffer))),
      output_(std::move(output)),
      wake_fd_(wake_fd),
      rings_(options_.workers) {
  // The writer takes no signals: they are the control thread's, and SIGPIPE is an error code here.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogSink::~LogSink() {
  stop_.store(true, std::memory_order_release);
  Wake();
  writer_.join();
  for (std::atomic<LogRing*>& ring : rings_) {
    delete ring.load(std::memory_order_acquire);
  }
  close(wake_fd_);
}

bool LogSink::Append(uint32_t worker, std::string_view line) {
  LogRing* ring = RingOf(worker);
  size_t waiting = 0;
  if (ring == nullptr || !ring->Push(line, &waiting)) [[unlikely]] {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const size_t half = ring_bytes_ / 2;
  if (waiting >= half && waiting - line.size() < half) [[unlikely]] {
    Wake();
  }
  return true;
}

LogRing* LogSink::RingOf(uint32_t worker) {
  if (worker >= rings_.size()) {
    return nullptr;
  }
  LogRing* ring = rings_[worker].load(std::memory_order_relaxed);
  if (ring == nullptr) [[unlikely]] {
    ring = LogRing::Make(ring_bytes_).release();
    rings_[worker].store(ring, std::memory_order_release);
  }
  return ring;
}

void LogSink::Reopen() {
  reopen_.store(true, std::memory_order_release);
  Wake();
}

void LogSink::Wake() {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then the writer is awake.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void LogSink::Run() {
  Outcome last = Outcome::kEmpty;
  MonotonicTime give_up = MonotonicTime::max();
  while (true) {
    Wait(last, give_up);
    // Read before the rings: what was appended before the destructor ran is written.
    const bool stopping = stop_.load(std::memory_order_acquire);
    if (reopen_.exchange(false, std::memory_order_acq_rel)) {
      ReopenOutput();
    }
    last = WriteAll();
    ReportState();
    ReportDrops();
    if (!stopping) {
      continue;
    }
    if (last == Outcome::kEmpty) {
      return;
    }
    if (give_up == MonotonicTime::max()) {
      give_up = MonotonicNow() + options_.drain_time;
    } else if (MonotonicNow() >= give_up) {
      LoseTheRest();
      return;
    }
  }
}

void LogSink::Wait(Outcome last, MonotonicTime until) {
  std::array<pollfd, 2> events{pollfd{wake_fd_, POLLIN, 0}, pollfd{output_->fd(), POLLOUT, 0}};
  const bool for_output = last == Outcome::kBlocked;
  Duration timeout = options_.flush_interval;
  if (until != MonotonicTime::max()) {
    timeout = std::min(timeout, Duration(until - MonotonicNow()));
  }
  poll(events.data(), for_output ? 2 : 1, Milliseconds(timeout));
  uint64_t count;
  [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof(count));
}

LogSink::Outcome LogSink::WriteAll() {
  for (size_t visited = 0; visited < rings_.size(); ++visited) {
    LogRing* ring = rings_[next_ring_].load(std::memory_order_acquire);
    if (ring != nullptr) {
      if (const Outcome outcome = WriteRing(*ring); outcome != Outcome::kEmpty) {
        return outcome;  // The next attempt goes on with this ring.
      }
    }
    next_ring_ = (next_ring_ + 1) % rings_.size();
  }
  return Outcome::kEmpty;
}

// Writes what waited when it was called, so that a busy worker can't keep the others waiting.
LogSink::Outcome LogSink::WriteRing(LogRing& ring) {
  size_t left = ring.waiting();
  while (left > 0) {
    std::array<iovec, 2> pieces;
    const int count = ring.Peek(pieces);
    size_t room = left;
    for (iovec& piece : pieces) {
      piece.iov_len = std::min(piece.iov_len, room);
      room -= piece.iov_len;
    }
    const ssize_t written = output_->Write(std::span(pieces).first(static_cast<size_t>(count)));
    if (written > 0) {
      const auto bytes = static_cast<size_t>(written);
      mid_line_ = bytes < left;
      left -= bytes;
      ring.Pop(bytes);
      NoteSuccess(bytes);
    } else if (written < 0 && errno == EINTR) {
      continue;
    } else if (written < 0 && errno == EAGAIN) {
      return Outcome::kBlocked;
    } else {
      NoteFailure(written == 0 ? ENOSPC : errno);
      return Outcome::kFailed;
    }
  }
  return Outcome::kEmpty;
}

void LogSink::ReopenOutput() {
  if (!output_->reopens()) {
    return;
  }
  if (LogRing* ring = mid_line_ ? rings_[next_ring_].load(std::memory_order_acquire) : nullptr) {
    FinishLine(*ring);
  }
  if (const Result<void> opened = output_->Reopen(); !opened) {
    Report("log not reopened: the file that was open is kept", opened.error().message);
  }
}

// The rest of a line belongs into the file that has its beginning, or nowhere.
void LogSink::FinishLine(LogRing& ring) {
  std::array<iovec, 2> pieces;
  const int count = ring.Peek(pieces);
  for (int i = 0; i < count; ++i) {
    const char* begin = static_cast<const char*>(pieces[i].iov_base);
    const void* found = std::memchr(begin, '\n', pieces[i].iov_len);
    if (found == nullptr) {
      continue;
    }
    pieces[i].iov_len = static_cast<size_t>(static_cast<const char*>(found) - begin) + 1;
    const size_t rest = i == 0 ? pieces[0].iov_len : pieces[0].iov_len + pieces[1].iov_len;
    const auto written = output_->Write(std::span(pieces).first(static_cast<size_t>(i) + 1));
    if (written != static_cast<ssize_t>(rest)) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
    ring.Pop(rest);
    mid_line_ = false;
    return;
  }
}

void LogSink::NoteFailure(int error) {
  errors_.fetch_add(1, std::memory_order_relaxed);
  failing_ = true;
  last_error_ = error;
  ReportState();
}

void LogSink::NoteSuccess(size_t bytes) {
  if (const size_t lost = output_->TakeLost(); lost > 0) [[unlikely]] {
    dropped_.fetch_add(lost, std::memory_order_relaxed);
  }
  written_.fetch_add(bytes, std::memory_order_relaxed);
  failing_ = false;
}

void LogSink::ReportState() {
  if (failing_ == reported_failing_) {
    return;
  }
  if (!failing_) {
    next_failure_report_ = MonotonicNow() + options_.report_interval;
    Report("log is written again", "");
  } else if (MonotonicNow() >= next_failure_report_) {
    Report("log can't be written: lines wait in memory and are dropped when it is full",
           std::strerror(last_error_));
  } else {
    return;
  }
  reported_failing_ = failing_;
}

void LogSink::ReportDrops() {
  const uint64_t dropped = dropped_lines();
  if (dropped > reported_drops_ && MonotonicNow() >= next_drop_report_) {
    Report("log lines dropped: they come faster than they are taken", "");
    reported_drops_ = dropped;
    next_drop_report_ = MonotonicNow() + options_.report_interval;
  }
}

void LogSink::LoseTheRest() {
  uint64_t lost = 0;
  for (const std::atomic<LogRing*>& one : rings_) {
    std::array<iovec, 2> pieces;
    const LogRing* const ring = one.load(std::memory_order_acquire);
    const int count = ring == nullptr ? 0 : ring->Peek(pieces);
    for (const iovec& piece : std::span(pieces).first(static_cast<size_t>(count))) {
      const char* const begin = static_cast<const char*>(piece.iov_base);
      lost += static_cast<uint64_t>(std::count(begin, begin + piece.iov_len, '\n'));
    }
  }
  dropped_.fetch_add(lost, std::memory_order_relaxed);
  Report("log lines lost at the end: they could not be written in time",
         std::to_string(lost) + " were left");
}

void LogSink::Report(std::string_view phrase, std::string_view reason) {
  const uint64_t dropped = dropped_lines();
  if (options_.report) {
    options_.report(
        log::Compose(phrase, {{"path", name()}, {"reason", reason}, {"dropped", dropped}}));
  } else if (reason.empty()) {
    log::Warning(phrase, {{"path", name()}, {"dropped", dropped}});
  } else {
    log::Warning(phrase, {{"path", name()}, {"reason", reason}, {"dropped", dropped}});
  }
}

Result<std::shared_ptr<LogSink>> LogSinks::Open(const LogSinkOptions& options) {
  std::erase_if(sinks_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<LogSink>& known =
      sinks_[{NameOf(options), options.syslog.has_value(), options.buffer_bytes, options.workers}];
  if (std::shared_ptr<LogSink> sink = known.lock()) {
    return sink;
  }
  Result<std::shared_ptr<LogSink>> opened = LogSink::Open(options);
  if (opened) {
    known = *opened;
  }
  return opened;
}

}  // namespace gatehouse::observe
