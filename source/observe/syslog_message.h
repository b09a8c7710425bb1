// SPDX-License-Identifier: Apache-2.0
// A log line as a syslog message: RFC 5424, or the older form of RFC 3164 that local log sockets
// such as /dev/log expect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "source/observe/operators.h"
#include "source/observe/stream_info.h"

namespace gatehouse::observe {

struct SyslogOptions {
  uint8_t facility = 16;  // local0, RFC 5424 section 6.2.1.
  // Nothing: by what became of the stream; 5xx and no answer: err, 4xx: warning, else info.
  std::optional<uint8_t> severity{};
  std::string tag = "gatehouse";  // APP-NAME
  bool rfc3164 = false;
  size_t max_bytes = 8192;  // Of a message, header included.
};

// Immutable after it is made; any thread, each with its own scratch.
class SyslogFormat {
 public:
  // Asks for the host's name and the process's id.
  explicit SyslogFormat(SyslogOptions options);

  // Makes scratch.line the header.
  void Begin(const StreamInfo& info, LogScratch& scratch) const;
  // After what the message says was appended: no line feed stays in it but the one at its end, and
  // what is too long is cut between characters and ends in "...".
  void End(LogScratch& scratch) const;

 private:
  void WriteRfc3164Time(WallTime time, LineBuffer& line) const;

  SyslogOptions options_;
  std::string after_time_;  // What stands between time and message.
};

}  // namespace gatehouse::observe
