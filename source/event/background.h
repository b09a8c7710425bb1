// SPDX-License-Identifier: Apache-2.0
// Threads for what would hold a loop up: compiling, hashing, freeing, blocking I/O.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gatehouse::event {

// A pool of threads. Jobs start in the order given; with one thread they also end in it. A job
// hands its result back with Loop::Post().
class Background {
 public:
  enum class Queued : uint8_t { kFinish, kAbandon };

  // `name` appears in thread names, at most 15 bytes. Signals that the caller blocks are blocked in
  // the threads, too (Signals::Block()).
  explicit Background(size_t threads = 1, std::string name = "background");
  // Abandons what is queued.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // `count` more, before or while jobs run. The thread that made the pool, before Stop().
  void AddThreads(size_t count);

  // Any thread, jobs included. False, and the job is destroyed, after Stop().
  bool Run(std::function<void()> job);

  // Waits for the jobs under way and, with kFinish, for those queued; the others are destroyed
  // without having run. Any thread but the pool's; a second call does nothing.
  void Stop(Queued queued);

 private:
  void Work();

  std::string name_;
  std::mutex mutex_;  // Guards what follows, but threads_.
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse::event
