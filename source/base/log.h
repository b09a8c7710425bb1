// SPDX-License-Identifier: Apache-2.0
// The operational log: what the gateway itself has to say, one line each, to standard error.
//
//   2026-03-01T08:15:30.125Z warning reload failed source=SIGHUP errors=2
//
// A message is a constant phrase in lower case; what varies goes into fields, so that lines can be
// found by their phrase and read by machines. Any thread. After StartWriter() no call waits for
// standard error: lines go through a bounded queue, whose oldest ones are lost when it is full.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/clock.h"

namespace gatehouse::log {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning" (or "warn"), "error", "off".
std::optional<Level> ParseLevel(std::string_view name);
std::string_view LevelName(Level level);

// kInfo at first.
void SetLevel(Level level);
Level CurrentLevel();
inline bool Enabled(Level level) { return level >= CurrentLevel(); }

// key=value, quoted when the value is not one plain word. `key` must outlive the call only.
struct Field {
  Field(std::string_view key_in, std::string_view text) : key(key_in), value(text) {}
  Field(std::string_view key_in, const std::string& text) : key(key_in), value(text) {}
  Field(std::string_view key_in, const char* text) : key(key_in), value(text) {}
  template <std::integral T>
  Field(std::string_view key_in, T number) : key(key_in), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// The line without time and level, for tests: control characters are escaped, so it is one line.
std::string Compose(std::string_view message, Fields fields);

void Write(Level level, std::string_view message, Fields fields);
inline void Debug(std::string_view message, Fields fields = {}) {
  Write(Level::kDebug, message, fields);
}
inline void Info(std::string_view message, Fields fields = {}) {
  Write(Level::kInfo, message, fields);
}
inline void Warning(std::string_view message, Fields fields = {}) {
  Write(Level::kWarning, message, fields);
}
inline void Error(std::string_view message, Fields fields = {}) {
  Write(Level::kError, message, fields);
}

// Moves writing to a thread of its own, once; before, calls write themselves. The main thread,
// before there are others.
void StartWriter();

// Waits until everything logged so far is written, but not longer than `limit`.
void Flush(Duration limit = std::chrono::seconds(1));

// Lets one of many like messages through each period, and counts the others. Any thread.
class Repeated {
 public:
  explicit Repeated(Duration period = std::chrono::seconds(10)) : period_(period) {}

  // How many were held back since the last that was let through; nothing: hold this one back.
  std::optional<uint64_t> Admit(MonotonicTime now);

 private:
  const Duration period_;
  std::atomic<int64_t> next_{0};  // Nanoseconds of MonotonicTime.
  std::atomic<uint64_t> held_{0};
};

}  // namespace gatehouse::log
