// SPDX-License-Identifier: Apache-2.0
// inotify behind callbacks: one instance for all watches of a loop, as a user may have few (128).
#pragma once

#include <sys/inotify.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "source/base/error.h"
#include "source/event/fd_watch.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// Loop thread only.
class FileEvents {
 public:
  // `mask` of inotify(7), `name` of the directory's entry it is about, or empty. IN_Q_OVERFLOW goes
  // to all: events were lost. After IN_IGNORED there come no more. Must not add or drop
  // subscriptions.
  using Callback = std::function<void(uint32_t mask, std::string_view name)>;

  // Events come until it is destroyed, before its FileEvents.
  class Subscription {
   public:
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class FileEvents;
    Subscription(FileEvents& events, int watch, uint32_t mask, Callback callback);
    FileEvents& events_;
    int watch_;  // inotify's watch descriptor; -1 when it is over.
    uint32_t mask_;
    Callback callback_;
  };

  explicit FileEvents(Loop& loop) : loop_(loop) {}
  ~FileEvents();
  FileEvents(const FileEvents&) = delete;
  FileEvents& operator=(const FileEvents&) = delete;

  // Subscribes to events in `mask` of the file or directory that `path` names now: not of what may
  // be there later.
  Result<std::unique_ptr<Subscription>> Watch(const std::string& path, uint32_t mask,
                                              Callback callback);

 private:
  void OnReadable();
  void Deliver(const inotify_event& event, std::string_view name);

  Loop& loop_;
  int fd_ = -1;
  std::unique_ptr<FdWatch> watch_;
  std::unordered_multimap<int, Subscription*> subscriptions_;  // By watch descriptor.
};

}  // namespace gatehouse::event
