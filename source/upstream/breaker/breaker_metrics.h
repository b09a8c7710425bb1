// SPDX-License-Identifier: Apache-2.0
// What is counted of every circuit breaker: gatehouse_cluster_breaker_...{cluster="NAME"}, and
// labels="version=v2" of those that are for endpoints with labels. Breakers count for themselves;
// whoever shows metrics copies.
#pragma once

#include "source/observe/metrics.h"
#include "source/upstream/breaker/breaker.h"

namespace gatehouse::upstream {

const observe::MetricSchema& BreakerSchema();

// The name of a breaker's block.
std::string BreakerBlockName(const std::string& cluster, const Breaker::Labels& labels);

// Copies to `table`, which nobody else writes the breaker's cells of. The table's thread.
void ShowBreaker(const Breaker& breaker, observe::MetricTable& table);

}  // namespace gatehouse::upstream
