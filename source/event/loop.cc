// SPDX-License-Identifier: Apache-2.0
#include "source/event/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/event/deadline.h"
#include "source/event/file_events.h"
#include "source/event/second_look.h"

namespace gatehouse::event {
namespace {

// How many flushes one callback may cause beyond those it asked for itself.
constexpr size_t kExtraFlushes = 256;
// Four records of TLS and what surrounds them.
constexpr size_t kWireScratch = 4 * (16 * 1024 + 512);
// How often what is destroyed with the loop may leave something else to destroy.
constexpr int kLastRounds = 100;

}  // namespace

void EventDelete::operator()(struct event* event) const { event_free(event); }

void Ready::Unlink() {
  if (previous_ != nullptr) {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }
}

TurnEnd::~TurnEnd() {
  if (queued_on_ != nullptr) {
    std::replace(queued_on_->turn_ends_.begin(), queued_on_->turn_ends_.end(), this,
                 static_cast<TurnEnd*>(nullptr));
  }
}

Loop::Loop(std::string name) : name_(std::move(name)), now_(MonotonicNow()) {
  event_config* config = event_config_new();
  GATEHOUSE_CHECK(config != nullptr, "out of memory");
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
  base_ = event_base_new_with_config(config);
  event_config_free(config);
  GATEHOUSE_CHECK(base_ != nullptr, "epoll is not available");

  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  GATEHOUSE_CHECK(wake_fd_ >= 0, "no file descriptor left for an event loop");
  wake_event_.reset(event_new(
      base_, wake_fd_, EV_READ | EV_PERSIST,
      [](evutil_socket_t fd, short, void* self) {
        uint64_t count = 0;
        [[maybe_unused]] const ssize_t n = read(fd, &count, sizeof(count));
        static_cast<Loop*>(self)->RunPosted();
      },
      this));
  event_add(wake_event_.get(), nullptr);
  ready_event_.reset(event_new(
      base_, -1, 0,
      [](evutil_socket_t, short, void* self) { static_cast<Loop*>(self)->RunReady(); }, this));
  turn_end_event_.reset(event_new(
      base_, -1, 0,
      [](evutil_socket_t, short, void* self) { static_cast<Loop*>(self)->RunTurnEnds(); }, this));
  ready_.next_ = ready_.previous_ = &ready_;
  deadlines_ = std::make_unique<DeadlineWheel>(*this);
  second_look_ = std::make_unique<SecondLook>(*deadlines_);
}

Loop::~Loop() {
  // Destructors may post, or doom, what they held.
  for (int i = 0; i < kLastRounds && !(doomed_.empty() && posted_.empty()); ++i) {
    std::vector<Doomed> doomed;
    doomed.swap(doomed_);
    std::vector<std::function<void()>> posted;
    posted.swap(posted_);
  }
  file_events_.reset();
  second_look_.reset();
  deadlines_.reset();
  turn_end_event_.reset();
  ready_event_.reset();
  wake_event_.reset();
  close(wake_fd_);
  event_base_free(base_);
  while (ready_.next_ != &ready_) {
    ready_.next_->Unlink();
  }
}

void Loop::Run() {
  thread_ = static_cast<uint64_t>(pthread_self());
  if (getpid() != gettid()) {  // The first thread's name is the process's.
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  }
  UpdateNow();
  RunFlushes();
  while (!stopping_) {
    event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
  }
  RunPosted();
  RunReady();
  stopping_ = false;
}

FileEvents& Loop::file_events() {
  if (file_events_ == nullptr) {
    file_events_ = std::make_unique<FileEvents>(*this);
  }
  return *file_events_;
}

bool Loop::InLoopThread() const { return thread_ == static_cast<uint64_t>(pthread_self()); }

void Loop::Stop() {
  Post([this] {
    stopping_ = true;
    event_base_loopbreak(base_);
  });
}

void Loop::Post(std::function<void()> task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (wake) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
  }
}

void Loop::RunPosted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (std::function<void()>& task : tasks) {
    UpdateNow();
    const MonotonicTime began = now_;
    task();
    task = nullptr;
    UpdateNow();
    longest_task_.store(
        std::max(longest_task_.load(std::memory_order_relaxed), Duration(now_ - began).count()),
        std::memory_order_relaxed);
  }
  RunFlushes();
}

void Loop::RunFlushes() {
  // Flushing may queue more: a drained peer is given more to send.
  const size_t limit = flushes_.size() + kExtraFlushes;
  size_t done = 0;
  for (; done < flushes_.size() && done < limit; ++done) {
    Flushable* flushable = flushes_[done];
    if (flushable != nullptr) {
      flushable->flush_queued_ = false;
      flushable->OnFlush();
    }
  }
  flushes_.erase(flushes_.begin(), flushes_.begin() + static_cast<ptrdiff_t>(done));
  if (!flushes_.empty()) {
    WakeReady();
  }
}

void Loop::ForgetFlush(Flushable& flushable) {
  if (flushable.flush_queued_) {
    flushable.flush_queued_ = false;
    std::replace(flushes_.begin(), flushes_.end(), &flushable, static_cast<Flushable*>(nullptr));
  }
}

// An event that is made active stands behind all that are.
void Loop::QueueTurnEnd(TurnEnd& last) {
  if (last.queued_on_ != nullptr) {
    return;
  }
  last.queued_on_ = this;
  turn_ends_.push_back(&last);
  if (turn_ends_.size() == 1) {
    event_active(turn_end_event_.get(), 0, 0);
  }
}

void Loop::RunTurnEnds() {
  UpdateNow();
  // What is queued meanwhile has its go on the next turn.
  std::vector<TurnEnd*>& ends = turn_ends_;
  const size_t count = ends.size();
  for (size_t i = 0; i < count; ++i) {
    if (TurnEnd* const last = ends[i]) {
      last->queued_on_ = nullptr;
      ends[i] = nullptr;
      last->OnTurnEnd();
    }
  }
  ends.erase(ends.begin(), ends.begin() + static_cast<ptrdiff_t>(count));
  if (!ends.empty()) {
    const timeval at_once{0, 0};  // Behind the sockets: see WakeReady().
    event_add(turn_end_event_.get(), &at_once);
  }
  RunFlushes();
}

std::span<char> Loop::wire_scratch() {
  if (wire_scratch_ == nullptr) {
    wire_scratch_.reset(new char[kWireScratch]);
  }
  return {wire_scratch_.get(), kWireScratch};
}

void Loop::Queue(Ready& ready) {
  if (ready.queued()) {
    return;
  }
  ready.previous_ = ready_.previous_;
  ready.next_ = &ready_;
  ready_.previous_->next_ = &ready;
  ready_.previous_ = &ready;
  WakeReady();
}

void Loop::WakeReady() {
  if (ready_armed_) {
    return;
  }
  ready_armed_ = true;
  if (running_ready_) {
    // An event that is activated by its own callback runs again before libevent looks at sockets; a
    // timer that has run out does not.
    const timeval at_once{0, 0};
    event_add(ready_event_.get(), &at_once);
  } else {
    event_active(ready_event_.get(), 0, 0);
  }
}

void Loop::RunReady() {
  // What is queued while this runs waits for the next turn, so that sockets get theirs in between.
  ready_armed_ = false;
  running_ready_ = true;
  UpdateNow();
  ListHead turn;
  turn.next_ = turn.previous_ = &turn;
  if (ready_.next_ != &ready_) {
    turn.next_ = ready_.next_;
    turn.previous_ = ready_.previous_;
    turn.next_->previous_ = turn.previous_->next_ = &turn;
    ready_.next_ = ready_.previous_ = &ready_;
  }
  while (turn.next_ != &turn) {
    Ready* ready = turn.next_;
    ready->Unlink();
    ready->OnReady();
  }
  RunFlushes();
  turn.next_ = turn.previous_ = nullptr;
  {
    std::vector<Doomed> doomed;
    doomed.swap(doomed_);
  }
  running_ready_ = false;
}

}  // namespace gatehouse::event
