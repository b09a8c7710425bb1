// SPDX-License-Identifier: Apache-2.0
// What ip_access does beside all streams: it reads files that have changed, writes entries, lets go
// those that have expired, and counts what is not counted by a stream.
#pragma once

#include <array>
#include <memory>

#include "source/filters/security/access_config.h"
#include "source/observe/metric_table.h"
#include "source/pipeline/filter.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

struct AccessUpkeepCounters {
  observe::MetricId files_read;
  observe::MetricId files_failed;
  std::array<observe::MetricId, Backlog::kTallies> tallies;
};

// For FilterDefinition::StartUpkeep(). `config` outlives the upkeep.
std::unique_ptr<pipeline::Upkeep> StartAccessUpkeep(const AccessConfig& config,
                                                    const AccessUpkeepCounters& counters,
                                                    pipeline::Services& services);

}  // namespace gatehouse::filters
