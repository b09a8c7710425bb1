// SPDX-License-Identifier: Apache-2.0
// Where log lines go: a file, a FIFO, standard output or standard error. Nothing here waits.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string>

#include "source/base/error.h"
#include "source/observe/log_output.h"

namespace gatehouse::observe {

// Not thread-safe.
class LogFile final : public LogOutput {
 public:
  // "stdout", "stderr" or a path. A file is made when it is missing (mode 0640) and appended to; a
  // FIFO is opened without waiting for a reader. Errors name the path and the reason.
  static Result<LogFile> Open(const std::string& path);
  // What Open() would say, leaving nothing behind.
  static Result<void> Check(const std::string& path);

  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;
  ~LogFile() override;

  ssize_t Write(std::span<iovec> pieces) override;
  bool reopens() const override { return true; }
  Result<void> Reopen() override;
  size_t TakeLost() override { return 0; }

  const std::string& path() const { return path_; }
  int fd() const override { return fd_; }

 private:
  // How to write without waiting.
  enum class Mode : uint8_t {
    kPlain,   // The descriptor is a file's, or its own and non-blocking.
    kShared,  // A pipe or terminal shared with other processes: blocking, so little at a time.
    kSocket,
  };
  LogFile(std::string path, int fd, Mode mode) : path_(std::move(path)), fd_(fd), mode_(mode) {}
  static Result<LogFile> OpenStandard(const std::string& path, int standard_fd);

  std::string path_;
  int fd_ = -1;
  Mode mode_ = Mode::kPlain;
};

}  // namespace gatehouse::observe
