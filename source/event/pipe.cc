// SPDX-License-Identifier: Apache-2.0
#include "source/event/pipe.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

namespace gatehouse::event {

Pipe::~Pipe() {
  close(read_fd_);
  close(write_fd_);
}

PipePool::PipePool() {
  constexpr rlim_t kMostIdle = 32;
  constexpr rlim_t kShare = 64;  // Of what may be open, one in so many may be an idle pipe.
  rlimit open{};
  const bool known = getrlimit(RLIMIT_NOFILE, &open) == 0 && open.rlim_cur != RLIM_INFINITY;
  max_idle_ = static_cast<size_t>(known ? std::min(open.rlim_cur / kShare, kMostIdle) : kMostIdle);
  last_fd_ = known && open.rlim_cur < INT_MAX ? static_cast<int>(open.rlim_cur / 4 * 3) : INT_MAX;
}

std::unique_ptr<Pipe> PipePool::Take(PipeTarget& target) {
  std::unique_ptr<Pipe> pipe;
  if (!idle_.empty()) {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  } else {
    // Of the kernel's default size, 16 pages: measured, larger ones cost more for each byte.
    std::array<int, 2> fds{};
    if (pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC) != 0) {
      return nullptr;
    }
    pipe.reset(new Pipe(fds[0], fds[1]));
    if (std::max(fds[0], fds[1]) > last_fd_) {
      return nullptr;
    }
  }
  pipe->target_ = &target;
  return pipe;
}

void PipePool::Give(std::unique_ptr<Pipe> pipe) {
  if (pipe->held() == 0 && idle_.size() < max_idle_) {
    idle_.push_back(std::move(pipe));
  }
}

}  // namespace gatehouse::event
