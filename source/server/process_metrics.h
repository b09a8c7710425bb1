// SPDX-License-Identifier: Apache-2.0
// What Prometheus wants to know of any process, by the names that it has for that.
#pragma once

#include <vector>

#include "source/base/clock.h"
#include "source/observe/metrics.h"
#include "source/server/worker_thread.h"

namespace gatehouse::server {

class ProcessMetrics {
 public:
  // Before `table`'s owner runs, on the thread that names metrics.
  ProcessMetrics(observe::Metrics& metrics, observe::MetricTable& table, WallTime started,
                 uint32_t workers);

  // Reads the kernel's figures, the workers' and those of the breakers in `served`. The thread that
  // owns the table.
  void Collect(const WorkerThreads& workers, const proxy::Snapshot& served);

 private:
  observe::MetricTable& table_;
  observe::MetricId open_fds_, max_fds_, virtual_, resident_, cpu_;
  std::vector<observe::MetricId> longest_task_;  // By worker.
};

// Raises the limit of open files as far as it goes. Returns it.
uint64_t RaiseFileLimit();

}  // namespace gatehouse::server
