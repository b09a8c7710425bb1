// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/cluster_metrics.h"

#include <array>

namespace gatehouse::upstream {
namespace {

using enum ClusterMetric;
using observe::MetricKind;
using observe::MetricSpec;

constexpr MetricSpec Counter(ClusterMetric metric, std::string_view name, std::string_view help) {
  return {MetricKind::kCounter, static_cast<uint32_t>(metric), name, help};
}

constexpr MetricSpec Gauge(ClusterMetric metric, std::string_view name, std::string_view help) {
  return {MetricKind::kGauge, static_cast<uint32_t>(metric), name, help};
}

constexpr MetricSpec Responses(ClusterMetric metric, std::string_view code) {
  return {MetricKind::kCounter,
          static_cast<uint32_t>(metric),
          "gatehouse_cluster_responses_total",
          "Responses whose head an endpoint sent, by class of status.",
          "code",
          code,
          observe::Shown::kOnceCounted};
}

constexpr std::array kSeries = {
    Counter(kRequests, "gatehouse_cluster_requests_total", "Requests sent to the cluster."),
    Gauge(kRequestsActive, "gatehouse_cluster_requests_active", "Requests under way now."),
    Responses(kResponses1xx, "1xx"),
    Responses(kResponses2xx, "2xx"),
    Responses(kResponses3xx, "3xx"),
    Responses(kResponses4xx, "4xx"),
    Responses(kResponses5xx, "5xx"),
    Counter(kConnectionsOpened, "gatehouse_cluster_connections_opened_total", "Connections begun."),
    Gauge(kConnectionsActive, "gatehouse_cluster_connections_active",
          "Connections open now, idle ones included."),
    Counter(kHttp2Connections, "gatehouse_cluster_http2_connections_total",
            "Connections on which HTTP/2 is spoken, established so far."),
    Counter(kConnectFailures, "gatehouse_cluster_connect_failures_total",
            "Connections refused or unreachable."),
    Counter(kConnectTimeouts, "gatehouse_cluster_connect_timeouts_total",
            "Connections not established within timeouts.connect."),
    Gauge(kPendingActive, "gatehouse_cluster_pending_active",
          "Requests waiting for a connection now."),
    Counter(kOverflowConnections, "gatehouse_cluster_overflow_connections_total",
            "Requests that had to wait because of limits.max_connections."),
    Counter(kOverflowPending, "gatehouse_cluster_overflow_pending_total",
            "Requests refused because of limits.max_pending."),
    Counter(kOverflowRequests, "gatehouse_cluster_overflow_requests_total",
            "Requests refused because of limits.max_requests."),
    Counter(kResets, "gatehouse_cluster_resets_total",
            "Requests whose endpoint closed before a whole response."),
    Counter(kRetriesReused, "gatehouse_cluster_retries_reused_total",
            "Requests sent again because their reused connection was closed meanwhile."),
    Counter(kRetriesUnprocessed, "gatehouse_cluster_retries_unprocessed_total",
            "Requests sent again because the endpoint said that it had not looked at them."),
    Counter(kResponseTimeouts, "gatehouse_cluster_response_timeouts_total",
            "Requests whose response did not come in time."),
    Counter(kNoEndpoint, "gatehouse_cluster_no_endpoint_total",
            "Requests for which there was no endpoint, or none with the labels."),
    MetricSpec{MetricKind::kHistogram, static_cast<uint32_t>(kUpstreamDuration),
               "gatehouse_upstream_duration_seconds",
               "From the choice of an endpoint to the end of its response, or of the wait for it.",
               "", "", observe::Shown::kOnceCounted},
};

constexpr observe::MetricSchema kSchema = {"cluster", kSeries, static_cast<uint32_t>(kEnd), true};

}  // namespace

const observe::MetricSchema& ClusterSchema() { return kSchema; }

}  // namespace gatehouse::upstream
