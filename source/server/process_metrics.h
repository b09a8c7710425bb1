// SPDX-License-Identifier: Apache-2.0
// What Prometheus wants to know of any process.
#pragma once

#include "source/base/clock.h"
#include "source/observe/metrics.h"

namespace gatehouse::server {

class ProcessMetrics {
 public:
  // Control thread, before `table`'s owner runs.
  ProcessMetrics(observe::Metrics& metrics, observe::MetricTable& table, WallTime started,
                 uint32_t workers);

  // Reads the kernel's figures. The thread that owns the table.
  void Collect();

 private:
  observe::MetricTable& table_;
  observe::MetricId open_fds_, max_fds_, resident_, cpu_seconds_;
};

// Raises the limit of open files as far as it goes. Returns it.
uint64_t RaiseFileLimit();

}  // namespace gatehouse::server
