// SPDX-License-Identifier: Apache-2.0
#include "source/base/log.h"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::log {
namespace {

constexpr size_t kQueuedLines = 2048;
constexpr int kStuckMs = 200;  // A non-blocking standard error that stays full loses the line.

constexpr std::array<std::pair<std::string_view, Level>, 6> kLevels{{{"debug", Level::kDebug},
                                                                     {"info", Level::kInfo},
                                                                     {"warning", Level::kWarning},
                                                                     {"error", Level::kError},
                                                                     {"off", Level::kOff},
                                                                     {"warn", Level::kWarning}}};

spdlog::level::level_enum SpdlogLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

// Unbuffered; tells when it has caught up, and what the queue before it has lost.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // REQUIRES: no line has been written through `queue` yet.
  void Watch(std::shared_ptr<spdlog::details::thread_pool> queue) { queue_ = std::move(queue); }
  bool has_queue() const { return queue_ != nullptr; }

  void WaitForFlush(uint64_t past, Duration limit) {
    std::unique_lock lock(caught_up_mutex_);
    caught_up_.wait_for(lock, limit, [&] { return flushes_ > past; });
  }
  uint64_t flushes() {
    const std::lock_guard lock(caught_up_mutex_);
    return flushes_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (loss_reports_.Admit(MonotonicNow())) {
      ReportLoss();
    }
    Put(message);
  }
  void flush_() override {
    ReportLoss();
    const std::lock_guard lock(caught_up_mutex_);
    ++flushes_;
    caught_up_.notify_all();
  }
  void ReportLoss() {
    const uint64_t lost = queue_ == nullptr ? 0 : queue_->overrun_counter();
    if (lost > lost_) {
      const std::string text = Compose("log lines lost", {{"count", lost - lost_}});
      lost_ = lost;
      Put(spdlog::details::log_msg("", spdlog::level::warn, text));
    }
  }
  void Put(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const char* at = line.data();
    size_t left = line.size();
    while (left > 0) {
      const ssize_t written = write(STDERR_FILENO, at, left);
      if (written > 0) {
        at += written;
        left -= static_cast<size_t>(written);
      } else if (errno == EAGAIN) {
        pollfd room{STDERR_FILENO, POLLOUT, 0};
        if (poll(&room, 1, kStuckMs) == 0) {
          return;
        }
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  std::shared_ptr<spdlog::details::thread_pool> queue_;
  Repeated loss_reports_{std::chrono::seconds(1)};
  uint64_t lost_ = 0;
  std::mutex caught_up_mutex_;  // Guards flushes_.
  std::condition_variable caught_up_;
  uint64_t flushes_ = 0;
};

struct Output {
  Output() : sink(std::make_shared<StandardError>()) {
    Adopt(std::make_shared<spdlog::logger>("", sink));
  }
  void Adopt(std::shared_ptr<spdlog::logger> next) {
    logger = std::move(next);
    logger->set_level(spdlog::level::trace);  // Write() asks for the level.
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  }

  std::atomic<Level> level{Level::kInfo};
  std::shared_ptr<StandardError> sink;
  std::shared_ptr<spdlog::logger> logger;
};

// Never destroyed: joining a writer that is stuck would keep the process from ending.
Output& TheOutput() {
  static Output* const output = new Output;
  return *output;
}

void AppendValue(std::string& out, std::string_view value) {
  const auto plain = [](char c) { return c > ' ' && c != '"' && c != '=' && c != 0x7f; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) {
    AppendJsonEscaped(out, value);
    return;
  }
  out.push_back('"');
  AppendJsonEscaped(out, value);
  out.push_back('"');
}

}  // namespace

std::optional<Level> ParseLevel(std::string_view name) {
  const auto* at = std::find_if(kLevels.begin(), kLevels.end(),
                                [&](const auto& entry) { return entry.first == name; });
  return at == kLevels.end() ? std::nullopt : std::optional(at->second);
}

std::string_view LevelName(Level level) {
  return kLevels[std::min<size_t>(static_cast<size_t>(level), 4)].first;
}

void SetLevel(Level level) { TheOutput().level.store(level, std::memory_order_relaxed); }
Level CurrentLevel() { return TheOutput().level.load(std::memory_order_relaxed); }

std::string Compose(std::string_view message, Fields fields) {
  std::string out;
  for (const char c : message) {
    const bool control = static_cast<unsigned char>(c) < ' ' || c == 0x7f;
    if (control) {
      AppendJsonEscaped(out, {&c, 1});
    } else {
      out.push_back(c);
    }
  }
  for (const Field& field : fields) {
    out.append(" ").append(field.key).append("=");
    AppendValue(out, field.value);
  }
  return out;
}

void Write(Level level, std::string_view message, Fields fields) {
  if (level == Level::kOff || !Enabled(level)) {
    return;
  }
  TheOutput().logger->log(SpdlogLevel(level), Compose(message, fields));
}

void StartWriter() {
  Output& output = TheOutput();
  if (output.sink->has_queue()) {
    return;
  }
  auto queue = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  output.sink->Watch(queue);
  output.Adopt(std::make_shared<spdlog::async_logger>(
      "", output.sink, queue, spdlog::async_overflow_policy::overrun_oldest));
}

void Flush(Duration limit) {
  Output& output = TheOutput();
  const uint64_t before = output.sink->flushes();
  output.logger->flush();
  output.sink->WaitForFlush(before, limit);
}

std::optional<uint64_t> Repeated::Admit(MonotonicTime now) {
  const int64_t at = now.time_since_epoch().count();
  int64_t next = next_.load(std::memory_order_relaxed);
  if (at < next ||
      !next_.compare_exchange_strong(next, at + period_.count(), std::memory_order_relaxed)) {
    held_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return held_.exchange(0, std::memory_order_relaxed);
}

}  // namespace gatehouse::log
