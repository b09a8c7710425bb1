// SPDX-License-Identifier: Apache-2.0
// An immutable, compiled configuration: what the workers serve from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/config/diagnostics.h"
#include "source/pipeline/chain.h"
#include "source/pipeline/filter_table.h"
#include "source/proxy/listener_settings.h"
#include "source/route/route_table.h"
#include "source/upstream/cluster.h"

namespace gatehouse::proxy {

class Handler;

struct RouteMetrics {
  observe::MetricId requests;  // Streams that took the route, whatever came of them.
};

struct ListenerMetrics {
  observe::MetricId connections_accepted, connections_active, connections_refused, requests,
      responses_1xx, responses_2xx, responses_3xx, responses_4xx, responses_5xx, malformed,
      timeouts, bytes_in, bytes_out, accept_errors;
};

// One listener of a snapshot: its settings and the chain of each route.
struct ListenerPlan {
  std::shared_ptr<const ListenerSettings> settings;
  ListenerMetrics metrics;
  // Identifies the listening sockets across snapshots; equal for a listener whose address stayed.
  uint32_t id = 0;
  // Connections of all workers, against limits.max_connections; handed from snapshot to snapshot
  // with the id.
  std::shared_ptr<upstream::SharedLimit> connections = std::make_shared<upstream::SharedLimit>();
  std::vector<const pipeline::Chain*> chains;  // By route index; owned by Snapshot::filters.
  const pipeline::Chain* no_route = nullptr;   // The listener's own filters.
};

struct Snapshot {
  uint64_t epoch = 0;
  std::vector<ListenerPlan> listeners;
  std::shared_ptr<const route::RouteTable> routes;
  std::vector<RouteMetrics> route_metrics;        // By route index.
  std::vector<config::Position> route_positions;  // Where each route is declared.
  std::vector<std::string> config_files;          // By Position::file.
  std::vector<std::shared_ptr<upstream::Cluster>> clusters;
  std::vector<uint32_t> cluster_ids;  // Cluster::id() of each, ascending.
  std::shared_ptr<pipeline::FilterTable> filters;
  // Instead of routes: answers every request. Outlives all streams. For admin.
  Handler* handler = nullptr;
};

}  // namespace gatehouse::proxy
