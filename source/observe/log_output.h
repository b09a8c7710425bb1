// SPDX-License-Identifier: Apache-2.0
// What a log's writer writes to: a file (log_file.h) or a syslog server (syslog_socket.h). Nothing
// here waits.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>

#include "source/base/error.h"

namespace gatehouse::observe {

// The writer's thread only.
class LogOutput {
 public:
  virtual ~LogOutput() = default;

  // Writes from the beginning of `pieces`, which are whole lines, each with its line feed, but for
  // the first one's beginning, when the last call took that. As writev(2): how many bytes of them
  // are done with, or -1 with errno; EAGAIN: it would have to wait for fd() to be writable.
  virtual ssize_t Write(std::span<iovec> pieces) = 0;
  // -1: only time helps.
  virtual int fd() const = 0;
  // Whether a name may have come to stand for another file, so that Reopen() is of use.
  virtual bool reopens() const = 0;
  // REQUIRES: what was written ends with a line. After an error what was open stays so.
  virtual Result<void> Reopen() = 0;
  // Lines that were taken and can't be delivered, since the last call.
  virtual size_t TakeLost() = 0;
};

}  // namespace gatehouse::observe
