// SPDX-License-Identifier: Apache-2.0
#include "source/filters/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "source/base/digest.h"
#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

constexpr size_t kLongestName = 128;  // Of 255; escaping and endings add to it.
constexpr std::string_view kFresh = ".new";
constexpr std::string_view kDamaged = ".damaged";
constexpr char kHex[] = "0123456789abcdef";

tl::unexpected<Error> Failed(int error) {
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// 0, or what went wrong.
int WriteNew(const std::string& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return errno;
  }
  while (!text.empty()) {
    const ssize_t written = write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return errno;
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file.get()) == 0 ? 0 : errno;
}

// Where an ending of `name` begins that would make its file one of those beside another's.
size_t EndingOf(std::string_view name) {
  for (const std::string_view ending : {kFresh, kDamaged}) {
    if (name.ends_with(ending)) {
      return name.size() - ending.size();
    }
  }
  return std::string_view::npos;
}

void MakeFolders(const std::string& path) {
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    mkdir(path.substr(0, at).c_str(), 0700);  // What fails here fails again when it is opened.
  }
}

}  // namespace

std::string StateFileOf(std::string_view state_dir, std::string_view type, std::string_view name) {
  if (state_dir.empty()) {
    return {};
  }
  std::string out(state_dir);
  out.append(out.ends_with('/') ? "" : "/").append(type).append("/");
  std::string_view rest = name.substr(0, kLongestName);
  const size_t ending = EndingOf(name);
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    const bool plain = IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'z') || c == '_' ||
                       c == '-' || (c == '.' && i > 0 && i != ending);
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    if (out.size() > state_dir.size() + type.size() + 2 + kLongestName) {
      rest = rest.substr(0, i + 1);
    }
  }
  if (rest.size() < name.size()) {
    out.push_back('~');
    for (const uint8_t byte : Sha256().Add(name).Finish()) {
      out.append({kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

Result<void> ReplaceFile(const std::string& path, std::string_view text) {
  const std::string fresh = path + std::string(kFresh);
  int error = WriteNew(fresh, text);
  if (error == ENOENT) {
    MakeFolders(path);
    error = WriteNew(fresh, text);
  }
  if (error == 0 && std::rename(fresh.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    unlink(fresh.c_str());
    return Failed(error);
  }
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) {
    return Failed(errno);
  }
  return {};
}

void MoveAside(const std::string& path) {
  (void)std::rename(path.c_str(), (path + std::string(kDamaged)).c_str());
}

}  // namespace gatehouse::filters
