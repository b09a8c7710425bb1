// SPDX-License-Identifier: Apache-2.0
// What is counted of every listener and every route: gatehouse_listener_...{listener="NAME"},
// gatehouse_route_...{route="NAME"}, and how long requests took.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/observe/metrics.h"

namespace gatehouse::proxy {

// Cells of a listener's block.
enum class ListenerMetric : uint32_t {
  kRequests,
  kRequestsDropped,
  kResponses1xx,  // And the other classes, in their order.
  kResponses2xx,
  kResponses3xx,
  kResponses4xx,
  kResponses5xx,
  kConnectionsAccepted,
  kConnectionsActive,
  kConnectionsRefused,
  kMalformed,
  kTimeouts,
  kReceivedBytes,
  kSentBytes,
  kAcceptErrors,
  kTlsHandshakes,
  kTlsResumed,
  kTlsFailures,
  kHttp2Connections,
  kHttp2Abuse,
  kClientAuthTrouble,
  kTicketsTrouble,
  kRequestDuration,
  kGatewayDuration = kRequestDuration + observe::kHistogramCells,
  kEnd = kGatewayDuration + observe::kHistogramCells,
};

// Cells of a route's block.
enum class RouteMetric : uint32_t {
  kRequests,
  kResponses1xx,  // And the other classes, in their order.
  kResponses2xx,
  kResponses3xx,
  kResponses4xx,
  kResponses5xx,
  kFallbacks,
  kEnd,
};

// Of one certificate of a listener's.
enum class CertificateMetric : uint32_t {
  kNotAfter,
  kOcspNextUpdate,
  kLoaded,
  kFailed,
  kTrouble,
  kEnd,
};

using CertificateSeries = observe::SeriesOf<CertificateMetric>;
using ListenerSeries = observe::SeriesOf<ListenerMetric>;
using RouteSeries = observe::SeriesOf<RouteMetric>;

const observe::MetricSchema& ListenerSchema();
const observe::MetricSchema& RouteSchema();
// Blocks are called CertificateLabels().
const observe::MetricSchema& CertificateSchema();
std::string CertificateLabels(std::string_view listener, std::string_view cert_file);

// The series of `status`'s class, where `first` is that of 1xx. REQUIRES: 100 <= status < 600.
template <typename Metric>
Metric OfClass(Metric first, uint16_t status) {
  return static_cast<Metric>(static_cast<uint32_t>(first) + status / 100 - 1);
}

}  // namespace gatehouse::proxy
