// SPDX-License-Identifier: Apache-2.0
// users:
//   endpoints: [10.0.0.4:9002, orders.internal:9002, unix:/run/orders.sock,
//               {address: 10.0.0.3:9002, weight: 2, labels: {version: v2}}]
//   discovery: {dns: users.internal:8080}      # instead of endpoints
//   balance: {policy: round_robin}             # least_request
//   limits: {max_connections: 1024, max_pending: 1024, max_requests: 4096, max_streams: 100}
//   timeouts: {connect: 5s, idle: 60s}
//   circuit_breaker: {...}                     # breaker/breaker_config.cc
//   protocol: auto                             # http1, http2
//   tls: {...}                                 # tls_config.cc
#include "source/upstream/cluster_config.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "source/base/text.h"
#include "source/config/values.h"
#include "source/upstream/breaker/breaker_config.h"
#include "source/upstream/tls_config.h"

namespace gatehouse::upstream {
namespace {

using config::About;
using config::Object;
using config::Value;

constexpr uint64_t kMaxWeight = 65'535;
constexpr uint64_t kMaxLimit = 10'000'000;
constexpr size_t kMaxLabelName = 63;
constexpr size_t kMaxLabelPrefix = 253;

bool IsAlphanumeric(char c) { return IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'z'); }

// Letters and digits, and inside also `-`, `_` and `.`: at most 63.
bool IsLabelName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelName && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

// A DNS subdomain in lower case (RFC 1123).
bool IsLabelPrefix(std::string_view text) {
  if (text.size() > kMaxLabelPrefix) {
    return false;
  }
  for (;;) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (!IsLabelName(part) || Lowercase(part) != part || part.find('_') != part.npos) {
      return false;
    }
    if (dot == text.npos) {
      return true;
    }
    text = text.substr(dot + 1);
  }
}

// As in Kubernetes: an optional DNS name and a slash, then the name.
bool IsLabelKey(std::string_view text) {
  const size_t slash = text.find('/');
  return slash == text.npos
             ? IsLabelName(text)
             : IsLabelPrefix(text.substr(0, slash)) && IsLabelName(text.substr(slash + 1));
}

LabelSet LoadLabels(Object& in) {
  std::map<std::string, std::string> labels;
  for (const auto& [key, value] : in.Entries(
           "labels", "Labels that routes select endpoints by; keys and values as in Kubernetes.")) {
    if (!IsLabelKey(key)) {
      value.Error("\"" + key +
                  "\" is not a label key: at most 63 letters, digits, '-', '_' and '.', "
                  "with a letter or digit at both ends, after an optional DNS name and '/'");
    }
    std::string text = value.String();
    if (!text.empty() && !IsLabelName(text)) {
      value.Error("\"" + text +
                  "\" is not a label value: at most 63 letters, digits, '-', '_' and '.', "
                  "with a letter or digit at both ends");
    }
    labels.emplace(key, std::move(text));
  }
  return {labels.begin(), labels.end()};
}

// Where to connect to; nothing, and an error, when `text` does not say it.
std::optional<EndpointSpec> ParseEndpoint(const Value& value) {
  const std::string text = value.String();
  if (!value.IsScalar()) {
    return std::nullopt;
  }
  const Result<config::Address> address = config::ParseAddress(text);
  if (!address) {
    value.Error(address.error().message);
    return std::nullopt;
  }
  EndpointSpec out;
  out.host = address->host;
  out.port = address->port;
  out.unix_socket = address->kind == config::Address::Kind::kUnix;
  if (out.unix_socket) {
    if (const auto usable = event::SocketAddress::FromUnixPath(out.host); !usable) {
      value.Error(usable.error().message);
      return std::nullopt;
    }
    return out;
  }
  if (out.port == 0) {
    value.Error("an endpoint needs a port from 1 to 65535");
    return std::nullopt;
  }
  out.hostname = address->kind == config::Address::Kind::kHostname;
  if (out.hostname) {
    out.host = Lowercase(out.host);
    return out;
  }
  const std::optional<IpAddress> ip = ParseIp(out.host);
  const IpAddress any4 = *ParseIp("0.0.0.0");
  if (!ip || *ip == IpAddress{} || *ip == any4) {
    value.Error("an endpoint needs a host to connect to",
                "127.0.0.1:" + std::to_string(address->port));
    return std::nullopt;
  }
  out.host = ip->ToString();
  return out;
}

std::optional<EndpointSpec> LoadEndpoint(const Value& value) {
  if (!value.IsMap()) {
    return ParseEndpoint(value);
  }
  Object in = value.Map();
  const Value address =
      in.Get("address",
             About("HOST:PORT or unix:/PATH; hostnames are resolved, and again when the TTL has "
                   "passed.")
                 .Type("address of an endpoint")
                 .Required());
  const auto weight = static_cast<uint32_t>(
      in.Uint("weight", {.def = 1, .min = 1, .max = kMaxWeight},
              "Its share of the requests, relative to the other endpoints' weights."));
  LabelSet labels = LoadLabels(in);
  if (!address.present()) {
    in.Error("an endpoint needs an \"address\"");
    return std::nullopt;
  }
  std::optional<EndpointSpec> out = ParseEndpoint(address);
  if (out) {
    out->weight = weight;
    out->labels = std::move(labels);
  }
  return out;
}

std::vector<EndpointSpec> LoadEndpoints(const std::vector<Value>& listed) {
  std::vector<EndpointSpec> out;
  std::set<std::tuple<std::string, uint16_t, bool>> seen;
  for (const Value& value : listed) {
    std::optional<EndpointSpec> spec = LoadEndpoint(value);
    if (!spec) {
      continue;
    }
    if (!seen.emplace(spec->host, spec->port, spec->unix_socket).second) {
      value.Warning("this endpoint is listed twice: the weights add up");
    }
    out.push_back(*std::move(spec));
  }
  return out;
}

// `discovery: {dns: HOST:PORT}` is one endpoint whose addresses come and go.
std::vector<EndpointSpec> LoadDiscovery(Object in) {
  in.NotSupportedYet({"registry", "xds"});
  const Value dns =
      in.Get("dns", About("HOSTNAME:PORT; each address that the name resolves to is an endpoint.")
                        .Type("HOSTNAME:PORT")
                        .Required());
  if (!dns.present()) {
    if (!in.Has("registry") && !in.Has("xds")) {
      in.Error("discovery needs a source: {dns: HOSTNAME:PORT}");
    }
    return {};
  }
  std::optional<EndpointSpec> spec = ParseEndpoint(dns);
  if (!spec) {
    return {};
  }
  if (!spec->hostname) {
    dns.Error("expected a hostname; addresses that need no resolving belong in \"endpoints\"");
    return {};
  }
  return {*std::move(spec)};
}

void LoadLimits(Object in, ClusterSettings& out) {
  const auto limit = [&](std::string_view key, uint32_t& value, uint64_t min,
                         std::string_view help) {
    value = static_cast<uint32_t>(in.Uint(key, {value, min, kMaxLimit}, help));
  };
  limit("max_connections", out.max_connections, 1,
        "Connections to the cluster, over all workers and endpoints; further "
        "requests wait.");
  limit("max_pending", out.max_pending, 0,
        "Requests that may wait for a connection; further ones are answered with 503.");
  limit("max_requests", out.max_requests, 1,
        "Requests in flight to the cluster; further ones are answered with 503.");
  limit("max_streams", out.max_streams, 1,
        "Requests at a time on one connection of HTTP/2, if the endpoint allows as many; further "
        "ones take another connection.");
  in.NotSupportedYet({"retry_budget"});
}

void LoadTimeouts(Object in, ClusterSettings& out) {
  constexpr Duration kMin = std::chrono::milliseconds(1);
  constexpr Duration kMax = std::chrono::hours(24);
  out.connect_timeout =
      in.Time("connect", {out.connect_timeout, kMin, kMax},
              "How long establishing a connection to an endpoint may take; then up "
              "to two others are tried, and then the answer is 504.");
  out.idle_timeout = in.Time("idle", {out.idle_timeout, kMin, kMax},
                             "How long an unused connection to an endpoint is kept.");
}

}  // namespace

ClusterSettings LoadCluster(std::string name, Object in) {
  ClusterSettings out;
  out.name = std::move(name);
  const Value endpoints =
      in.Get("endpoints", About("The addresses that serve this cluster, with weights and labels; a "
                                "cluster has these or `discovery`.")
                              .Type("address of an endpoint"));
  Object discovery = in.Child("discovery", "Where endpoints that are not listed come from.");
  const std::vector<Value> listed = endpoints.List();
  out.endpoints = LoadEndpoints(listed);
  if (endpoints.present() && discovery.present()) {
    in.Error("discovery", "a cluster has either \"endpoints\" or \"discovery\", not both");
    discovery.Unchecked();
  } else if (discovery.present()) {
    out.endpoints = LoadDiscovery(std::move(discovery));
  } else if (listed.empty() && !endpoints.IsScalar() && !endpoints.IsMap()) {
    in.Error("a cluster needs \"endpoints\" or \"discovery\"");
  }
  Object balance = in.Child("balance", "How requests are spread over the endpoints.");
  out.policy = balance.Enum<BalancePolicy>("policy",
                                           {{"round_robin", BalancePolicy::kRoundRobin},
                                            {"least_request", BalancePolicy::kLeastRequest}},
                                           BalancePolicy::kRoundRobin,
                                           "round_robin takes turns by weight; least_request "
                                           "prefers the endpoint with fewer in flight.");
  balance.NotSupportedYet({"slow_start"});
  LoadLimits(in.Child("limits", "Limits over all workers; what exceeds them is answered with 503."),
             out);
  LoadTimeouts(in.Child("timeouts", "Timeouts of connections to endpoints."), out);
  out.protocol = in.Enum<Protocol>(
      "protocol",
      {{"auto", Protocol::kAuto}, {"http1", Protocol::kHttp1}, {"http2", Protocol::kHttp2}},
      Protocol::kAuto,
      "What to speak to the endpoints; auto is what they choose in the TLS handshake, and HTTP/1.1 "
      "in the clear; http2 needs no asking in the clear (prior knowledge).");
  out.breaker = LoadBreaker(
      in.Child("circuit_breaker",
               "Keeps requests from endpoints that fail or are slow, and answers them with 503 or "
               "the route's fallback; without it nothing does. `{}` takes the defaults."));
  LoadClusterTls(in.Child("tls",
                          "Makes connections to endpoints go over TLS; left out, they go in the "
                          "clear. `{}` takes the defaults."),
                 out);
  in.NotSupportedYet({"health_check", "outlier_detection"});
  return out;
}

ClusterSettings ClusterOf(std::string name, const config::Address& address) {
  ClusterSettings out;
  out.name = std::move(name);
  EndpointSpec spec;
  spec.hostname = address.kind == config::Address::Kind::kHostname;
  spec.host = spec.hostname ? Lowercase(address.host) : address.host;
  spec.port = address.port;
  out.endpoints.push_back(std::move(spec));
  return out;
}

}  // namespace gatehouse::upstream
