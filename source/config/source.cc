// SPDX-License-Identifier: Apache-2.0
// Where configuration comes from: files, standard input, the environment.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "source/config/document.h"
#include "source/config/values.h"

namespace gatehouse::config {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> CannotRead(const std::string& path, const std::string& why) {
  return Fail(ErrorCode::kIo, ErrorSource::kConfig, "can't read \"" + path + "\": " + why);
}

std::string Reason(int error) { return std::generic_category().message(error); }

Result<std::string> ReadAll(int fd, const std::string& path, uint64_t max_bytes) {
  constexpr size_t kStep = 64 * 1024;
  std::string out;
  while (true) {
    const size_t held = out.size();
    out.resize(held + kStep);
    const ssize_t count = read(fd, out.data() + held, kStep);
    const int error = errno;
    out.resize(held + (count > 0 ? static_cast<size_t>(count) : 0));
    if (count == 0) {
      return out;
    }
    if (count < 0 && error != EINTR) {
      return CannotRead(path, Reason(error));
    }
    if (out.size() > max_bytes) {
      return CannotRead(path, "larger than " + FormatSize(max_bytes));
    }
  }
}

bool SameVersion(const struct stat& a, const struct stat& b) {
  const auto same_time = [](const timespec& x, const timespec& y) {
    return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
  };
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         same_time(a.st_mtim, b.st_mtim) && same_time(a.st_ctim, b.st_ctim);
}

// Whether to wait for what a pipe or a terminal has to say.
enum class Waiting : uint8_t { kAllowed, kRefused };

// Why what `mode` says it is can't be read; empty when it can.
std::string Unreadable(mode_t mode, Waiting waiting) {
  if (S_ISDIR(mode)) {
    return "it is a directory";
  }
  if (waiting == Waiting::kRefused && S_ISFIFO(mode)) {
    return "it is a pipe, which can't be read again";
  }
  return "";
}

// One attempt; `*changed` when the file did meanwhile, and the text is not to be used.
Result<std::string> ReadOnce(const std::string& path, uint64_t max_bytes, Waiting waiting,
                             bool* changed) {
  const int nonblocking = waiting == Waiting::kRefused ? O_NONBLOCK | O_NOCTTY : 0;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | nonblocking));
  if (file.get() < 0) {
    return CannotRead(path, errno == ENXIO ? "it is a socket" : Reason(errno));
  }
  struct stat before{};
  if (fstat(file.get(), &before) != 0) {
    return CannotRead(path, Reason(errno));
  }
  if (const std::string why = Unreadable(before.st_mode, waiting); !why.empty()) {
    return CannotRead(path, why);
  }
  if (S_ISREG(before.st_mode) && static_cast<uint64_t>(before.st_size) > max_bytes) {
    return CannotRead(path, "larger than " + FormatSize(max_bytes));
  }
  Result<std::string> text = ReadAll(file.get(), path, max_bytes);
  if (!text || !S_ISREG(before.st_mode)) {
    return text;
  }
  // The path too: an editor's rename puts another file there. Files of /proc say that they are
  // empty.
  struct stat after{};
  *changed = stat(path.c_str(), &after) != 0 || !SameVersion(before, after) ||
             (before.st_size != 0 && static_cast<uint64_t>(before.st_size) != text->size());
  return text;
}

Result<std::string> ReadUntilItRests(const std::string& path, uint64_t max_bytes, Waiting waiting) {
  constexpr int kAttempts = 5;
  constexpr std::chrono::milliseconds kPause(10);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) {
      std::this_thread::sleep_for(kPause);
    }
    bool changed = false;
    Result<std::string> text = ReadOnce(path, max_bytes, waiting, &changed);
    if (!changed) {
      return text;
    }
  }
  return CannotRead(path, "it keeps changing");
}

}  // namespace

Environment ProcessEnvironment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<std::string> ReadSource(const std::string& path, uint64_t max_bytes) {
  return path == "-" ? ReadAll(STDIN_FILENO, "standard input", max_bytes)
                     : ReadUntilItRests(path, max_bytes, Waiting::kAllowed);
}

Result<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  return ReadUntilItRests(path, max_bytes, Waiting::kRefused);
}

}  // namespace gatehouse::config
