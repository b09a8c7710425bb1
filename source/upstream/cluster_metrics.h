// SPDX-License-Identifier: Apache-2.0
// What is counted of every cluster: gatehouse_cluster_...{cluster="NAME"}.
#pragma once

#include <cstdint>

#include "source/observe/metrics.h"

namespace gatehouse::upstream {

// Cells of a cluster's block.
enum class ClusterMetric : uint32_t {
  kRequests,
  kRequestsActive,
  kResponses1xx,  // And the other classes, in their order.
  kResponses2xx,
  kResponses3xx,
  kResponses4xx,
  kResponses5xx,
  kConnectionsOpened,
  kConnectionsActive,
  kHttp2Connections,
  kConnectFailures,
  kConnectTimeouts,
  kPendingActive,
  kOverflowConnections,
  kOverflowPending,
  kOverflowRequests,
  kResets,
  kRetriesReused,
  kRetriesUnprocessed,
  kResponseTimeouts,
  kNoEndpoint,
  kUpstreamDuration,
  kEnd = kUpstreamDuration + observe::kHistogramCells,
};

using ClusterSeries = observe::SeriesOf<ClusterMetric>;

const observe::MetricSchema& ClusterSchema();

}  // namespace gatehouse::upstream
