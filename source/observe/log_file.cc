// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gatehouse::observe {
namespace {

constexpr int kFlags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// Log lines name people's addresses: the group may read them, others may not.
constexpr mode_t kMode = 0640;

int StandardFd(const std::string& path) {
  return path == "stdout" ? STDOUT_FILENO : path == "stderr" ? STDERR_FILENO : -1;
}

tl::unexpected<Error> Failed(const std::string& path, int error) {
  return Fail(ErrorCode::kIo, ErrorSource::kConfig,
              "\"" + path + "\" can't be written: " + std::strerror(error));
}

bool IsFifo(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

// A FIFO opened for reading too never waits for a reader and never breaks when one leaves.
int FlagsFor(const std::string& path) {
  return kFlags | (IsFifo(path) ? O_RDWR : O_WRONLY | O_APPEND);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<LogFile> LogFile::Open(const std::string& path) {
  if (const int standard = StandardFd(path); standard >= 0) {
    return OpenStandard(path, standard);
  }
  const int fd = open(path.c_str(), FlagsFor(path) | O_CREAT, kMode);
  if (fd < 0) {
    return Failed(path, errno);
  }
  return LogFile(path, fd, Mode::kPlain);
}

// The flags of an inherited descriptor belong to whoever shares it, so it is opened anew where that
// works: O_NONBLOCK must not be forced on the shell.
Result<LogFile> LogFile::OpenStandard(const std::string& path, int standard_fd) {
  struct stat status;
  if (fstat(standard_fd, &status) != 0) {
    return Failed(path, errno);
  }
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
    const std::string self = "/proc/self/fd/" + std::to_string(standard_fd);
    const int fd = open(self.c_str(), O_WRONLY | kFlags);
    if (fd >= 0) {
      return LogFile(path, fd, Mode::kPlain);
    }
  }
  const int fd = fcntl(standard_fd, F_DUPFD_CLOEXEC, 3);
  if (fd < 0) {
    return Failed(path, errno);
  }
  return LogFile(path, fd,
                 S_ISSOCK(status.st_mode)  ? Mode::kSocket
                 : S_ISREG(status.st_mode) ? Mode::kPlain
                                           : Mode::kShared);
}

Result<void> LogFile::Check(const std::string& path) {
  if (StandardFd(path) >= 0) {
    return {};
  }
  const int fd = open(path.c_str(), FlagsFor(path));
  if (fd >= 0) {
    close(fd);
    return {};
  }
  if (errno != ENOENT) {
    return Failed(path, errno);
  }
  const std::string directory = DirectoryOf(path);
  if (path.empty() || access(directory.c_str(), W_OK | X_OK) != 0) {
    return Failed(path, errno);
  }
  return {};
}

LogFile::LogFile(LogFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), mode_(other.mode_) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(mode_, other.mode_);
  return *this;
}

LogFile::~LogFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Result<void> LogFile::Reopen() {
  Result<LogFile> file = Open(path_);
  if (!file) {
    return tl::unexpected(file.error());
  }
  *this = *std::move(file);
  return {};
}

ssize_t LogFile::Write(std::span<iovec> pieces) {
  switch (mode_) {
    case Mode::kPlain:
      return writev(fd_, pieces.data(), static_cast<int>(pieces.size()));
    case Mode::kSocket: {
      msghdr message{};
      message.msg_iov = pieces.data();
      message.msg_iovlen = pieces.size();
      return sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    case Mode::kShared: {
      // A pipe that is writable takes PIPE_BUF bytes without waiting (pipe(7)).
      pollfd ready{fd_, POLLOUT, 0};
      if (poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
      }
      return write(fd_, pieces[0].iov_base, std::min<size_t>(pieces[0].iov_len, PIPE_BUF));
    }
  }
  return -1;
}

}  // namespace gatehouse::observe
