// SPDX-License-Identifier: Apache-2.0
// GET /clusters: where requests go, as it is now.
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

using Hosts = std::vector<std::vector<ResolvedHost>>;  // By cluster of the snapshot.

std::string_view PolicyName(upstream::BalancePolicy policy) {
  switch (policy) {
    case upstream::BalancePolicy::kRoundRobin:
      return "round_robin";
    case upstream::BalancePolicy::kLeastRequest:
      break;
  }
  return "least_request";
}

std::string_view ProtocolName(upstream::Protocol protocol) {
  switch (protocol) {
    case upstream::Protocol::kHttp1:
      return "http1";
    case upstream::Protocol::kHttp2:
      return "http2";
    case upstream::Protocol::kAuto:
      break;
  }
  return "auto";
}

Json EndpointsJson(const upstream::Cluster& cluster) {
  Json out = Json::array();
  for (const auto& endpoint : cluster.endpoints()->endpoints) {
    Json labels = Json::object();
    for (const auto& [key, value] : endpoint->labels) {
      labels[key] = value;
    }
    Json one{{"address", endpoint->name}, {"weight", endpoint->weight}};
    if (!endpoint->hostname.empty()) {
      one["hostname"] = *endpoint->hostname;
    }
    one["labels"] = std::move(labels);
    out.push_back(std::move(one));
  }
  return out;
}

Json HostsJson(const std::vector<ResolvedHost>& hosts) {
  Json out = Json::array();
  for (const ResolvedHost& host : hosts) {
    Json one{{"hostname", host.hostname}, {"addresses", host.addresses}};
    if (!host.error.empty()) {
      one["error"] = host.error;
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json ClusterJson(const upstream::Cluster& cluster, const std::vector<ResolvedHost>& hosts,
                 const proxy::Snapshot& snapshot, const ServerView& server) {
  const upstream::ClusterSettings& settings = cluster.settings();
  const upstream::ClusterSeries& ids = cluster.metrics();
  Json out;
  out["name"] = cluster.name();
  out["balance"] = PolicyName(settings.policy);
  out["protocol"] = ProtocolName(settings.protocol);
  out["endpoints"] = EndpointsJson(cluster);
  if (!hosts.empty()) {
    out["hosts"] = HostsJson(hosts);
  }
  const auto limit = [](const upstream::SharedLimit& used, uint32_t max) {
    return Json{{"used", used.used()}, {"max", max}};
  };
  out["limits"] = Json{{"connections", limit(cluster.connections, settings.max_connections)},
                       {"pending", limit(cluster.pending, settings.max_pending)},
                       {"requests", limit(cluster.requests, settings.max_requests)},
                       {"streams", Json{{"max", settings.max_streams}}}};
  Json breakers = Json::array();
  for (const auto& breaker : snapshot.breakers) {
    if (breaker->cluster() == cluster.name()) {
      breakers.push_back(BreakerJson(*breaker));
    }
  }
  if (!breakers.empty()) {
    out["circuit_breakers"] = std::move(breakers);
  }
  out["requests"] = server.Sum(ids[upstream::ClusterMetric::kRequests]);
  out["connect_failures"] = server.Sum(ids[upstream::ClusterMetric::kConnectFailures]);
  out["connect_timeouts"] = server.Sum(ids[upstream::ClusterMetric::kConnectTimeouts]);
  out["resets"] = server.Sum(ids[upstream::ClusterMetric::kResets]);
  out["response_timeouts"] = server.Sum(ids[upstream::ClusterMetric::kResponseTimeouts]);
  return out;
}

}  // namespace

void GetClusters(Call& call) {
  const std::shared_ptr<const proxy::Snapshot> snapshot = call.server.Snapshot();
  Hosts hosts;
  for (const auto& cluster : snapshot->clusters) {
    hosts.push_back(call.server.Hosts(*cluster));
  }
  call.server.Answer(
      [&server = call.server, snapshot, hosts = std::move(hosts)] {
        Json out = Json::array();
        for (size_t i = 0; i < snapshot->clusters.size(); ++i) {
          out.push_back(ClusterJson(*snapshot->clusters[i], hosts[i], *snapshot, server));
        }
        return JsonResponse(Json{{"clusters", std::move(out)}});
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
