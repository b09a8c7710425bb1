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
#include "source/proxy/metric_series.h"
#include "source/route/route_table.h"
#include "source/tls/server_tls.h"
#include "source/upstream/breaker/breaker.h"
#include "source/upstream/cluster.h"

namespace gatehouse::proxy {

class Handler;

// One listener of a snapshot: its settings and the chain of each route.
struct ListenerPlan {
  std::shared_ptr<const ListenerSettings> settings;
  std::shared_ptr<const observe::MetricBlock> metric_block;  // Null: nothing is counted.
  ListenerSeries metrics;                                    // Of that block.
  // Identifies the listening sockets across snapshots; equal for a listener whose address stayed.
  uint32_t id = 0;
  // Connections of all workers, against limits.max_connections; handed from snapshot to snapshot
  // with the id.
  std::shared_ptr<upstream::SharedLimit> connections = std::make_shared<upstream::SharedLimit>();
  // Null: in the clear. Handed on with the id, so that sessions can be resumed.
  std::shared_ptr<tls::ServerTls> tls;
  // By certificate of `tls`: what is counted of it.
  std::vector<std::shared_ptr<const observe::MetricBlock>> certificate_blocks;
  std::vector<const pipeline::Chain*> chains;  // By route index; owned by Snapshot::filters.
  const pipeline::Chain* no_route = nullptr;   // The listener's own filters.

  // What outlives the snapshot: all but the chains.
  ListenerPlan WithoutRoutes() const {
    return {settings, metric_block, metrics, id, connections, tls, {}, {}, nullptr};
  }
};

// `runtime.limits`: what one process, and one loop, may take on.
struct LoopLimits {
  uint32_t max_connections = 0;  // Of clients, over all listeners; 0: the listeners' limits only.
  uint32_t max_accepts_per_turn = 64;  // By one worker, before it looks at what it has.
  friend bool operator==(const LoopLimits&, const LoopLimits&) = default;
};

struct Snapshot {
  uint64_t epoch = 0;
  LoopLimits limits;
  std::vector<ListenerPlan> listeners;
  std::shared_ptr<const route::RouteTable> routes;
  std::vector<RouteSeries> route_metrics;  // By route index.
  // What `route_metrics` counts in; a route that has no name of its own shares one.
  std::vector<std::shared_ptr<const observe::MetricBlock>> route_metric_blocks;
  std::vector<config::Position> route_positions;  // Where each route is declared.
  std::vector<std::string> config_files;          // By Position::file.
  std::vector<std::shared_ptr<upstream::Cluster>> clusters;
  std::vector<uint32_t> cluster_ids;  // Cluster::id() of each, ascending.
  // Those of the clusters that have any: one without labels, and where that is their scope one for
  // each of the label sets that routes ask for. What arms refer to.
  std::vector<std::shared_ptr<upstream::Breaker>> breakers;
  std::vector<uint32_t> cluster_breakers;  // By cluster: the one without labels, as in route::Arm.
  std::shared_ptr<pipeline::FilterTable> filters;
  // Instead of routes: answers every request. Outlives all streams. For admin.
  Handler* handler = nullptr;

  // `number` as in route::Arm; null without one.
  upstream::Breaker* BreakerAt(uint32_t number) const {
    return number == 0 ? nullptr : breakers[number - 1].get();
  }
};

}  // namespace gatehouse::proxy
