// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/metric_series.h"

#include <array>

namespace gatehouse::proxy {
namespace {

using observe::MetricKind;
using observe::MetricSpec;
using observe::Shown;

template <typename Metric>
constexpr MetricSpec Counter(Metric metric, std::string_view name, std::string_view help) {
  return {MetricKind::kCounter, static_cast<uint32_t>(metric), name, help};
}

template <typename Metric>
constexpr MetricSpec Responses(Metric metric, std::string_view name, std::string_view code,
                               Shown shown) {
  return {MetricKind::kCounter,
          static_cast<uint32_t>(metric),
          name,
          "Responses sent, by class of status.",
          "code",
          code,
          shown};
}

constexpr MetricSpec ListenerResponses(ListenerMetric metric, std::string_view code) {
  return Responses(metric, "gatehouse_listener_responses_total", code, Shown::kAlways);
}

constexpr MetricSpec RouteResponses(RouteMetric metric, std::string_view code) {
  return Responses(metric, "gatehouse_route_responses_total", code, Shown::kOnceCounted);
}

constexpr MetricSpec Histogram(ListenerMetric metric, std::string_view name,
                               std::string_view help) {
  return {MetricKind::kHistogram, static_cast<uint32_t>(metric), name, help};
}

constexpr std::array kListenerSeries = {
    Counter(ListenerMetric::kRequests, "gatehouse_listener_requests_total", "Requests that began."),
    Counter(ListenerMetric::kRequestsDropped, "gatehouse_listener_requests_dropped_total",
            "Requests that ended without a whole response."),
    ListenerResponses(ListenerMetric::kResponses1xx, "1xx"),
    ListenerResponses(ListenerMetric::kResponses2xx, "2xx"),
    ListenerResponses(ListenerMetric::kResponses3xx, "3xx"),
    ListenerResponses(ListenerMetric::kResponses4xx, "4xx"),
    ListenerResponses(ListenerMetric::kResponses5xx, "5xx"),
    Counter(ListenerMetric::kConnectionsAccepted, "gatehouse_listener_connections_accepted_total",
            "Connections taken."),
    MetricSpec{MetricKind::kGauge, static_cast<uint32_t>(ListenerMetric::kConnectionsActive),
               "gatehouse_listener_connections_active", "Connections open now."},
    Counter(ListenerMetric::kConnectionsRefused, "gatehouse_listener_connections_refused_total",
            "Connections over max_connections."),
    Counter(ListenerMetric::kMalformed, "gatehouse_listener_malformed_total",
            "Requests that break HTTP's rules."),
    Counter(ListenerMetric::kTimeouts, "gatehouse_listener_timeouts_total",
            "Requests that took clients too long to send, or whose responses to receive."),
    Counter(ListenerMetric::kReceivedBytes, "gatehouse_listener_received_bytes_total",
            "Bytes received from clients."),
    Counter(ListenerMetric::kSentBytes, "gatehouse_listener_sent_bytes_total",
            "Bytes for clients, handed to their sockets."),
    Counter(ListenerMetric::kAcceptErrors, "gatehouse_listener_accept_errors_total",
            "Failed calls of accept()."),
    Counter(ListenerMetric::kTlsHandshakes, "gatehouse_listener_tls_handshakes_total",
            "TLS handshakes that came to their end."),
    Counter(ListenerMetric::kTlsResumed, "gatehouse_listener_tls_resumed_total",
            "Those of them that resumed a session."),
    Counter(ListenerMetric::kTlsFailures, "gatehouse_listener_tls_failures_total",
            "Connections whose TLS handshake failed."),
    Counter(ListenerMetric::kHttp2Connections, "gatehouse_listener_http2_connections_total",
            "Connections that spoke HTTP/2."),
    Counter(ListenerMetric::kHttp2Abuse, "gatehouse_listener_http2_abuse_total",
            "Connections of HTTP/2 that were closed because they went too far."),
    Histogram(ListenerMetric::kRequestDuration, "gatehouse_request_duration_seconds",
              "From a request's first byte to the end of its response."),
    Histogram(ListenerMetric::kGatewayDuration, "gatehouse_gateway_duration_seconds",
              "The same without the time spent waiting for endpoints."),
};

constexpr std::array kRouteSeries = {
    Counter(RouteMetric::kRequests, "gatehouse_route_requests_total",
            "Requests that took the route."),
    RouteResponses(RouteMetric::kResponses1xx, "1xx"),
    RouteResponses(RouteMetric::kResponses2xx, "2xx"),
    RouteResponses(RouteMetric::kResponses3xx, "3xx"),
    RouteResponses(RouteMetric::kResponses4xx, "4xx"),
    RouteResponses(RouteMetric::kResponses5xx, "5xx"),
    MetricSpec{MetricKind::kCounter, static_cast<uint32_t>(RouteMetric::kFallbacks),
               "gatehouse_route_fallbacks_total",
               "Requests that were answered, or sent elsewhere, by the route's fallback.", "", "",
               Shown::kOnceCounted},
};

constexpr observe::MetricSchema kListeners = {"listener", kListenerSeries,
                                              static_cast<uint32_t>(ListenerMetric::kEnd), false};
constexpr observe::MetricSchema kRoutes = {"route", kRouteSeries,
                                           static_cast<uint32_t>(RouteMetric::kEnd), true};

}  // namespace

const observe::MetricSchema& ListenerSchema() { return kListeners; }
const observe::MetricSchema& RouteSchema() { return kRoutes; }

}  // namespace gatehouse::proxy
