// SPDX-License-Identifier: Apache-2.0
#include "source/server/worker_thread.h"

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

}  // namespace gatehouse::server
