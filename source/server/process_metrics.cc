// SPDX-License-Identifier: Apache-2.0
#include "source/server/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "source/server/commands.h"
#include "source/upstream/breaker/breaker_metrics.h"

namespace gatehouse::server {
namespace {

int64_t CountOpenFiles() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) {
    return 0;
  }
  int64_t count = -3;  // "." and ".." and the descriptor of this directory.
  while (readdir(directory.get()) != nullptr) {
    ++count;
  }
  return count;
}

struct Memory {
  int64_t virtual_bytes = 0;
  int64_t resident_bytes = 0;
};

Memory MemoryNow() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"), fclose);
  long total = 0;
  long resident = 0;
  if (file == nullptr || std::fscanf(file.get(), "%ld %ld", &total, &resident) != 2) {
    return {};
  }
  const long page = sysconf(_SC_PAGESIZE);
  return {total * page, resident * page};
}

int64_t CpuNanoseconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return spent.tv_sec * int64_t{1'000'000'000} + spent.tv_nsec;
}

int64_t MaxOpenFiles() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

ProcessMetrics::ProcessMetrics(observe::Metrics& metrics, observe::MetricTable& table,
                               WallTime started, uint32_t workers)
    : table_(table),
      open_fds_(metrics.Gauge("process_open_fds", "Descriptors in use.")),
      max_fds_(metrics.Gauge("process_max_fds", "Descriptors that may be in use.")),
      virtual_(metrics.Gauge("process_virtual_memory_bytes", "Memory mapped.")),
      resident_(metrics.Gauge("process_resident_memory_bytes", "Memory in RAM.")),
      cpu_(metrics.Keep(observe::MetricKind::kSecondsCounter, "process_cpu_seconds_total",
                        "Processor time spent, user and system.")) {
  table.Set(metrics.Gauge("process_start_time_seconds", "When the process started."),
            std::chrono::duration_cast<std::chrono::seconds>(started.time_since_epoch()).count());
  table.Set(metrics.Gauge("gatehouse_workers", "Threads that serve."), workers);
  for (uint32_t i = 0; i < workers; ++i) {
    longest_task_.push_back(metrics.Keep(
        observe::MetricKind::kSecondsGauge, "gatehouse_worker_longest_task_seconds",
        "The longest that a worker's clients ever waited for one task of the gateway's own.",
        {{"worker", std::to_string(i)}}));
  }
  table.Set(
      metrics.Gauge("gatehouse_info", "1, with the version.", {{"version", std::string(kVersion)}}),
      1);
}

void ProcessMetrics::Collect(const WorkerThreads& workers, const proxy::Snapshot& served) {
  for (const auto& breaker : served.breakers) {
    upstream::ShowBreaker(*breaker, table_);
  }
  for (size_t i = 0; i < std::min(workers.size(), longest_task_.size()); ++i) {
    table_.Set(longest_task_[i], workers[i]->longest_task().count());
  }
  table_.Set(open_fds_, CountOpenFiles());
  table_.Set(max_fds_, MaxOpenFiles());
  const Memory memory = MemoryNow();
  table_.Set(virtual_, memory.virtual_bytes);
  table_.Set(resident_, memory.resident_bytes);
  table_.Set(cpu_, CpuNanoseconds());
}

uint64_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

}  // namespace gatehouse::server
