// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/metric_series.h"

#include <array>

#include "source/observe/exposition.h"

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

constexpr MetricSpec TlsFiles(ListenerMetric metric, std::string_view files) {
  return {MetricKind::kGauge,
          static_cast<uint32_t>(metric),
          "gatehouse_listener_tls_files_unusable",
          "1 while files of client_auth or tickets can't be used as they are, and what was read "
          "before is.",
          "files",
          files};
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
    TlsFiles(ListenerMetric::kClientAuthTrouble, "client_auth"),
    TlsFiles(ListenerMetric::kTicketsTrouble, "tickets"),
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

constexpr MetricSpec OfCertificate(MetricKind kind, CertificateMetric metric, std::string_view name,
                                   std::string_view help, std::string_view result = {}) {
  return {kind, static_cast<uint32_t>(metric), name, help, result.empty() ? "" : "result", result};
}

constexpr char kReloads[] = "gatehouse_certificate_reloads_total";
constexpr char kReloadsHelp[] = "Times a certificate's files were read again, by what came of it.";

constexpr std::array kCertificateSeries = {
    OfCertificate(MetricKind::kGauge, CertificateMetric::kNotAfter,
                  "gatehouse_certificate_not_after_timestamp_seconds",
                  "When the certificate that is shown expires, in seconds since the epoch."),
    OfCertificate(MetricKind::kGauge, CertificateMetric::kOcspNextUpdate,
                  "gatehouse_certificate_ocsp_next_update_timestamp_seconds",
                  "Until when what is stapled to it is valid; 0: nothing is stapled."),
    OfCertificate(MetricKind::kCounter, CertificateMetric::kLoaded, kReloads, kReloadsHelp,
                  "loaded"),
    OfCertificate(MetricKind::kCounter, CertificateMetric::kFailed, kReloads, kReloadsHelp,
                  "failed"),
    OfCertificate(MetricKind::kGauge, CertificateMetric::kTrouble,
                  "gatehouse_certificate_files_unusable",
                  "1 while its files can't be used as they are: what was read before is, or "
                  "nothing stapled."),
};

constexpr observe::MetricSchema kCertificates = {
    "", kCertificateSeries, static_cast<uint32_t>(CertificateMetric::kEnd), false};
constexpr observe::MetricSchema kListeners = {"listener", kListenerSeries,
                                              static_cast<uint32_t>(ListenerMetric::kEnd), false};
constexpr observe::MetricSchema kRoutes = {"route", kRouteSeries,
                                           static_cast<uint32_t>(RouteMetric::kEnd), true};

}  // namespace

const observe::MetricSchema& ListenerSchema() { return kListeners; }
const observe::MetricSchema& RouteSchema() { return kRoutes; }
const observe::MetricSchema& CertificateSchema() { return kCertificates; }

std::string CertificateLabels(std::string_view listener, std::string_view cert_file) {
  return observe::LabelText(
      {{"certificate", std::string(cert_file)}, {"listener", std::string(listener)}});
}

}  // namespace gatehouse::proxy
