// SPDX-License-Identifier: Apache-2.0
#include "source/event/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

#include "source/base/check.h"

namespace gatehouse::event {
namespace {

sigset_t Handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void Signals::Block() {
  const sigset_t set = Handled();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Signals::Signals(Loop& loop, std::function<void(int)> received) : received_(std::move(received)) {
  const sigset_t set = Handled();
  fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  GATEHOUSE_CHECK(fd_ >= 0, "no file descriptor left for signals");
  watch_ = std::make_unique<FdWatch>(loop, fd_, true, false, [this](bool, bool) { OnReadable(); });
}

Signals::~Signals() {
  watch_.reset();
  close(fd_);
}

void Signals::OnReadable() {
  signalfd_siginfo info;
  // One a turn: the callback may destroy this, and the descriptor stays readable for the rest.
  if (read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    const std::function<void(int)> received = received_;
    received(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace gatehouse::event
