// SPDX-License-Identifier: Apache-2.0
#include "source/event/background.h"

#include <pthread.h>

#include <utility>

namespace gatehouse::event {

Background::Background(size_t threads, std::string name) : name_(std::move(name)) {
  AddThreads(threads);
}

void Background::AddThreads(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

Background::~Background() { Stop(Queued::kAbandon); }

bool Background::Run(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return false;
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void Background::Stop(Queued queued) {
  std::deque<std::function<void()>>
      abandoned;  // Destroyed without the lock: destructors may Run().
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    if (queued == Queued::kAbandon) {
      abandoned.swap(jobs_);
    }
  }
  wake_.notify_all();
  for (std::thread& thread : threads) {
    thread.join();
  }
}

void Background::Work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace gatehouse::event
