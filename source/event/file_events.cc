// SPDX-License-Identifier: Apache-2.0
#include "source/event/file_events.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gatehouse::event {
namespace {

constexpr int kReadsPerTurn = 16;

tl::unexpected<Error> FailWith(const std::string& path, int error) {
  std::string why = std::strerror(error);
  if (error == ENOSPC) {
    why = "too many watches (sysctl fs.inotify.max_user_watches)";
  } else if (error == EMFILE) {
    why = "too many inotify instances (sysctl fs.inotify.max_user_instances)";
  }
  return Fail(ErrorCode::kIo, ErrorSource::kInternal,
              "can't watch " + path + " for changes: " + why);
}

}  // namespace

FileEvents::Subscription::Subscription(FileEvents& events, int watch, uint32_t mask,
                                       Callback callback)
    : events_(events), watch_(watch), mask_(mask), callback_(std::move(callback)) {
  events_.subscriptions_.emplace(watch, this);
}

FileEvents::Subscription::~Subscription() {
  if (watch_ < 0) {
    return;
  }
  auto [at, end] = events_.subscriptions_.equal_range(watch_);
  while (at->second != this) {
    ++at;
  }
  events_.subscriptions_.erase(at);
  if (!events_.subscriptions_.contains(watch_)) {
    inotify_rm_watch(events_.fd_, watch_);
  }
}

FileEvents::~FileEvents() {
  watch_.reset();
  if (fd_ >= 0) {
    close(fd_);
  }
}

Result<std::unique_ptr<FileEvents::Subscription>> FileEvents::Watch(const std::string& path,
                                                                    uint32_t mask,
                                                                    Callback callback) {
  if (fd_ < 0) {
    fd_ = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd_ < 0) {
      return FailWith(path, errno);
    }
    watch_ =
        std::make_unique<FdWatch>(loop_, fd_, true, false, [this](bool, bool) { OnReadable(); });
  }
  // The same file may be watched already: the kernel has one watch for all.
  const int watch = inotify_add_watch(fd_, path.c_str(), mask | IN_MASK_ADD);
  if (watch < 0) {
    return FailWith(path, errno);
  }
  return std::unique_ptr<Subscription>(new Subscription(*this, watch, mask, std::move(callback)));
}

void FileEvents::OnReadable() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t size = read(fd_, buffer.data(), buffer.size());
    if (size <= 0) {
      return;
    }
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      const char* name = at + sizeof(event);
      Deliver(event, {name, strnlen(name, event.len)});
      at = name + event.len;
    }
  }
}

void FileEvents::Deliver(const inotify_event& event, std::string_view name) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    for (const auto& [watch, subscription] : subscriptions_) {
      subscription->callback_(IN_Q_OVERFLOW, {});
    }
    return;
  }
  const auto [begin, end] = subscriptions_.equal_range(event.wd);
  for (auto at = begin; at != end; ++at) {
    Subscription& subscription = *at->second;
    const uint32_t wanted = event.mask & (subscription.mask_ | IN_IGNORED | IN_UNMOUNT);
    if ((event.mask & IN_IGNORED) != 0) {
      subscription.watch_ = -1;
    }
    if (wanted != 0) {
      subscription.callback_(wanted, name);
    }
  }
  if ((event.mask & IN_IGNORED) != 0) {
    subscriptions_.erase(begin, end);
  }
}

}  // namespace gatehouse::event
