// SPDX-License-Identifier: Apache-2.0
// How many cores this process may use.
#include <sched.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "source/base/text.h"
#include "source/config/document.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {
namespace {

constexpr uint32_t kMaxWorkers = 1024;

uint32_t CoresByAffinity() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? static_cast<uint32_t>(CPU_COUNT(&cores))
                                                          : 1;
}

// "QUOTA PERIOD" in microseconds, or "max PERIOD" (cgroup v2). Part of a core counts as one.
std::optional<uint32_t> CoresByQuota() {
  const Result<std::string> text = config::ReadSource("/sys/fs/cgroup/cpu.max", 256);
  if (!text) {
    return std::nullopt;
  }
  std::string_view line(*text);
  line = line.substr(0, line.find('\n'));
  const size_t space = line.find(' ');
  if (space == line.npos) {
    return std::nullopt;
  }
  const std::optional<uint64_t> quota = ParseUint(line.substr(0, space));
  const std::optional<uint64_t> period = ParseUint(line.substr(space + 1));
  if (!quota || !period || *period == 0) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(std::min<uint64_t>((*quota + *period - 1) / *period, kMaxWorkers));
}

}  // namespace

uint32_t WorkerCount(const RuntimeSettings& runtime) {
  if (runtime.workers != 0) {
    return runtime.workers;
  }
  const uint32_t cores = CoresByAffinity();
  return std::clamp(std::min(cores, CoresByQuota().value_or(cores)), 1u, kMaxWorkers);
}

}  // namespace gatehouse::server
