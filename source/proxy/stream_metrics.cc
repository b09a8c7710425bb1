// SPDX-License-Identifier: Apache-2.0
// What is counted of a stream when it ends, and how long it took. The clock is read twice: when the
// request goes on to an endpoint, and here. What came from sockets has the time of its callback.
#include <algorithm>

#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

bool IsStatus(uint16_t status) { return status >= 100 && status < 600; }

}  // namespace

void Stream::TellDurations() {
  const MonotonicTime now = MonotonicNow();
  info_.duration = now - info_.started;
  if (upstream_started_ != MonotonicTime{}) {
    const MonotonicTime ended = upstream_ended_ != MonotonicTime{} ? upstream_ended_ : now;
    info_.upstream_duration = upstream_before_ + std::max(ended - upstream_started_, Duration(0));
  }
  TellStages(now);
}

void Stream::CountRoute() {
  if (route_ != nullptr) {
    const RouteSeries route = pinned_->snapshot->route_metrics[route_->index];
    worker_.metrics.Add(route[OfClass(RouteMetric::kResponses1xx, info_.status)]);
  }
}

void Stream::CountEnd() {
  const observe::CellsOf listener(worker_.metrics, plan_->metrics);
  if (IsStatus(info_.status)) {
    listener.Add(OfClass(ListenerMetric::kResponses1xx, info_.status));
    CountRoute();
  }
  // How long a WebSocket was open, and how it ended, says nothing of the gateway.
  if (tunnel_ == nullptr) {
    if (!info_.complete) {
      listener.Add(ListenerMetric::kRequestsDropped);
    }
    listener.Observe(ListenerMetric::kRequestDuration, info_.duration);
    listener.Observe(ListenerMetric::kGatewayDuration, info_.duration - info_.upstream_duration);
  }
  CountUpstream();
}

// Of the cluster that the request went to last.
void Stream::CountUpstream() {
  using upstream::ClusterMetric;
  if (upstream_started_ == MonotonicTime{}) {
    return;
  }
  const observe::CellsOf cluster(worker_.metrics, cluster_->metrics());
  if (IsStatus(info_.upstream_status)) {
    cluster.Add(OfClass(ClusterMetric::kResponses1xx, info_.upstream_status));
  }
  if (tunnel_ == nullptr) {
    cluster.Observe(ClusterMetric::kUpstreamDuration, info_.upstream_duration - upstream_before_);
  }
}

}  // namespace gatehouse::proxy
