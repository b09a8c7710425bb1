// SPDX-License-Identifier: Apache-2.0
#include "source/server/worker_thread.h"

#include <atomic>
#include <string>
#include <utility>

namespace gatehouse::server {

WorkerThread::WorkerThread(uint32_t index, observe::MetricTable& metrics,
                           const proxy::WorkerContext& context)
    : loop_("worker-" + std::to_string(index)),
      worker_(std::make_unique<proxy::Worker>(index, loop_, metrics, context)) {}

WorkerThread::~WorkerThread() {
  if (thread_.joinable()) {
    loop_.Stop();
    thread_.join();
  }
}

void WorkerThread::Start() {
  thread_ = std::thread([this] { loop_.Run(); });
}

void WorkerThread::Post(std::function<void(proxy::Worker&)> task) {
  loop_.Post([this, task = std::move(task)] { task(*worker_); });
}

void PostToAll(const WorkerThreads& workers, event::Loop& control,
               const std::function<void(proxy::Worker&)>& task, std::function<void()> done) {
  struct Countdown {
    std::atomic<size_t> left;
    std::function<void()> done;
  };
  auto countdown = std::make_shared<Countdown>();
  countdown->left = workers.size();
  countdown->done = std::move(done);
  for (const auto& worker : workers) {
    worker->Post([&control, task, countdown](proxy::Worker& self) {
      task(self);
      if (countdown->left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        control.Post(std::move(countdown->done));
      }
    });
  }
}

}  // namespace gatehouse::server
