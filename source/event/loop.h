// SPDX-License-Identifier: Apache-2.0
// One thread's event loop: libevent without locks, wake-ups by eventfd, coarse deadlines, and a
// ready list for work that must not happen inside the current callback.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "source/base/clock.h"

struct event;
struct event_base;

namespace gatehouse::event {

class DeadlineWheel;
class FileEvents;
class Loop;
class SecondLook;

struct EventDelete {
  void operator()(struct event* event) const;
};
using EventPtr = std::unique_ptr<struct event, EventDelete>;

// Something that can be put on the ready list. Removes itself when destroyed. Loop thread only.
class Ready {
 public:
  Ready() = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;
  bool queued() const { return previous_ != nullptr; }

 protected:
  ~Ready() { Unlink(); }
  void Unlink();

 private:
  friend class Loop;
  virtual void OnReady() = 0;

  Ready* next_ = nullptr;
  Ready* previous_ = nullptr;
};

// Output that is gathered during a callback and leaves when it ends. Loop thread only.
class Flushable {
 public:
  Flushable() = default;
  Flushable(const Flushable&) = delete;
  Flushable& operator=(const Flushable&) = delete;

 protected:
  ~Flushable() = default;

 private:
  friend class Loop;
  virtual void OnFlush() = 0;
  bool flush_queued_ = false;
};

// Something to be done once behind all callbacks of a turn. Removes itself when destroyed. Loop
// thread only.
class TurnEnd {
 public:
  TurnEnd() = default;
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

 protected:
  ~TurnEnd();

 private:
  friend class Loop;
  virtual void OnTurnEnd() = 0;
  Loop* queued_on_ = nullptr;
};

// Created on any thread, run on one; everything but Post() and Stop() belongs to that one.
class Loop {
 public:
  // `name` appears in thread names, at most 15 bytes.
  explicit Loop(std::string name);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until Stop(); then runs what has been posted and returns. May be run again.
  void Run();
  // Any thread.
  void Stop();
  // Runs `task` on the loop, after the current callback. Any thread; order is kept per caller. A
  // task posted to a loop that never runs again is destroyed with the loop.
  void Post(std::function<void()> task);

  // Runs `ready.OnReady()` once before the loop sleeps next. Queued by another OnReady(), or by its
  // own: after sockets and timers have had their turn.
  void Queue(Ready& ready);
  // Calls `flushable.OnFlush()` once when the current callback ends.
  void QueueFlush(Flushable& flushable) {
    if (!flushable.flush_queued_) {
      flushable.flush_queued_ = true;
      flushes_.push_back(&flushable);
    }
  }
  void ForgetFlush(Flushable& flushable);
  // Calls `last.OnTurnEnd()` once when all sockets that are ready now have had their callbacks, and
  // before the loop sleeps: for output that several of them add to.
  void QueueTurnEnd(TurnEnd& last);
  // Every callback of libevent's ends with this. What keeps writing as fast as the kernel takes it
  // gets a bounded number of goes and the rest on the next turn.
  void RunFlushes();

  // Destroys `object` after the current callback, at the latest with the loop.
  template <typename T>
  void DeleteLater(std::unique_ptr<T> object) {
    doomed_.emplace_back(object.release(), [](void* p) { delete static_cast<T*>(p); });
    WakeReady();
  }

  // Time of the current callback: taken when it began.
  MonotonicTime now() const { return now_; }
  void UpdateNow() { now_ = MonotonicNow(); }

  DeadlineWheel& deadlines() { return *deadlines_; }
  SecondLook& second_look() { return *second_look_; }
  // Changes of files and directories. Made when first asked for.
  FileEvents& file_events();
  event_base* base() const { return base_; }
  // Where layers of sockets read what they are going to open; never kept past a call.
  std::span<char> wire_scratch();
  const std::string& name() const { return name_; }
  // The longest that sockets and timers ever waited for one posted task. Any thread.
  Duration longest_task() const { return Duration(longest_task_.load(std::memory_order_relaxed)); }
  bool InLoopThread() const;

 private:
  using Doomed = std::unique_ptr<void, void (*)(void*)>;
  struct ListHead final : Ready {
    void OnReady() override {}
  };
  friend class TurnEnd;
  void RunPosted();
  void RunReady();
  void RunTurnEnds();
  void WakeReady();

  std::string name_;
  event_base* base_ = nullptr;
  int wake_fd_ = -1;
  EventPtr wake_event_;
  EventPtr ready_event_;
  EventPtr turn_end_event_;
  std::unique_ptr<DeadlineWheel> deadlines_;
  std::unique_ptr<SecondLook> second_look_;
  std::unique_ptr<FileEvents> file_events_;
  MonotonicTime now_;
  ListHead ready_;
  std::vector<Doomed> doomed_;
  std::vector<Flushable*> flushes_;
  std::vector<TurnEnd*> turn_ends_;
  std::unique_ptr<char[]> wire_scratch_;  // Made when first asked for.
  bool ready_armed_ = false;
  bool running_ready_ = false;
  bool stopping_ = false;
  std::atomic<uint64_t> thread_{0};
  std::atomic<Duration::rep> longest_task_{0};  // Written by the loop's thread.

  std::mutex mutex_;  // Guards posted_ only.
  std::vector<std::function<void()>> posted_;
};

}  // namespace gatehouse::event
