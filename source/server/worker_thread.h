// SPDX-License-Identifier: Apache-2.0
// A worker, its loop, and the thread that runs them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "source/event/loop.h"
#include "source/observe/metrics.h"
#include "source/proxy/worker.h"

namespace gatehouse::server {

// Made, started, stopped and destroyed on the control thread.
class WorkerThread {
 public:
  WorkerThread(uint32_t index, observe::MetricTable& metrics, const proxy::WorkerContext& context);
  // Ends the loop after what has been posted, and waits for the thread.
  ~WorkerThread();
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Signals are blocked already: they are the control thread's.
  void Start();

  // Runs `task` with the worker, on its thread.
  void Post(std::function<void(proxy::Worker&)> task);
  // For what may be asked on any thread.
  const proxy::Worker& worker() const { return *worker_; }
  Duration longest_task() const { return loop_.longest_task(); }

 private:
  event::Loop loop_;
  std::unique_ptr<proxy::Worker> worker_;
  std::thread thread_;
};

using WorkerThreads = std::vector<std::unique_ptr<WorkerThread>>;

// Runs each worker's task on it, then `done` on `control`, once, after the last of them. `tasks`
// are as many as workers and take a proxy::Worker&; they are destroyed on the control thread.
template <typename Task>
void PostToEach(const WorkerThreads& workers, event::Loop& control, std::vector<Task> tasks,
                std::function<void()> done) {
  struct Round {
    std::vector<Task> tasks;
    std::function<void()> done;
    size_t left;  // Control thread.
  };
  auto round = std::make_shared<Round>(Round{std::move(tasks), std::move(done), workers.size()});
  for (size_t i = 0; i < workers.size(); ++i) {
    workers[i]->Post([&control, round, i](proxy::Worker& worker) mutable {
      round->tasks[i](worker);
      control.Post([round = std::move(round)] {
        if (--round->left == 0) {
          round->done();
        }
      });
    });
  }
}

}  // namespace gatehouse::server
