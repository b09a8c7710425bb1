// SPDX-License-Identifier: Apache-2.0
#include "source/event/fd_watch.h"

#include <event2/event.h>

#include <utility>

#include "source/base/check.h"

namespace gatehouse::event {

FdWatch::FdWatch(Loop& loop, int fd, bool read, bool write, Callback ready)
    : loop_(loop), ready_(std::make_shared<const Callback>(std::move(ready))) {
  const int what = EV_PERSIST | (read ? EV_READ : 0) | (write ? EV_WRITE : 0);
  event_.reset(event_new(
      loop.base(), fd, static_cast<short>(what),
      [](evutil_socket_t, short what, void* self) { static_cast<FdWatch*>(self)->OnEvent(what); },
      this));
  GATEHOUSE_CHECK(event_ != nullptr && event_add(event_.get(), nullptr) == 0,
                  "a descriptor can't be watched");
}

void FdWatch::OnEvent(short what) {
  Loop& loop = loop_;
  loop.UpdateNow();
  const std::shared_ptr<const Callback> ready = ready_;
  (*ready)((what & EV_READ) != 0, (what & EV_WRITE) != 0);
  loop.RunFlushes();
}

}  // namespace gatehouse::event
