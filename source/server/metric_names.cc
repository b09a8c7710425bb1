// SPDX-License-Identifier: Apache-2.0
#include "source/server/metric_names.h"

namespace gatehouse::server {

proxy::ListenerMetrics DefineListenerMetrics(observe::Metrics& metrics,
                                             const std::string& listener) {
  const observe::Labels labels = {{"listener", listener}};
  const auto counter = [&](std::string_view name, std::string_view help) {
    return metrics.Counter("gatehouse_listener_" + std::string(name) + "_total", help, labels);
  };
  proxy::ListenerMetrics out;
  out.connections_accepted = counter("connections_accepted", "Connections taken.");
  out.connections_active =
      metrics.Gauge("gatehouse_listener_connections_active", "Connections open now.", labels);
  out.connections_refused = counter("connections_refused", "Connections over max_connections.");
  out.requests = counter("requests", "Requests that began.");
  out.responses_1xx = counter("responses_1xx", "Interim responses sent.");
  out.responses_2xx = counter("responses_2xx", "Responses sent, by class of status.");
  out.responses_3xx = counter("responses_3xx", "Responses sent, by class of status.");
  out.responses_4xx = counter("responses_4xx", "Responses sent, by class of status.");
  out.responses_5xx = counter("responses_5xx", "Responses sent, by class of status.");
  out.malformed = counter("malformed", "Requests that break HTTP's rules.");
  out.timeouts = counter("timeouts", "Requests that took clients too long to send.");
  out.bytes_in = counter("bytes_in", "Bytes received from clients.");
  out.bytes_out = counter("bytes_out", "Bytes sent to clients.");
  out.accept_errors = counter("accept_errors", "Failed calls of accept().");
  return out;
}

std::vector<proxy::RouteMetrics> DefineRouteMetrics(const std::vector<route::LoadedRoute>& routes,
                                                    observe::Metrics* metrics) {
  std::vector<proxy::RouteMetrics> out(routes.size());
  if (metrics == nullptr) {
    return out;
  }
  const auto define = [&](const std::string& name) {
    return metrics->Counter("gatehouse_route_requests_total", "Requests that took the route.",
                            {{"route", name}});
  };
  const observe::MetricId unnamed = define("(unnamed)");
  for (size_t i = 0; i < routes.size(); ++i) {
    const std::string& name = routes[i].route->name;
    const bool has_name = name != "routes[" + std::to_string(i) + "]";
    out[i].requests = has_name ? define(name) : unnamed;
  }
  return out;
}

}  // namespace gatehouse::server
