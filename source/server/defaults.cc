// SPDX-License-Identifier: Apache-2.0
#include "source/server/defaults.h"

#include <array>
#include <cstdio>
#include <string>

#include "source/config/values.h"
#include "source/proxy/listener_settings.h"
#include "source/route/route.h"
#include "source/server/config_loader.h"
#include "source/upstream/cluster.h"

namespace gatehouse::server {
namespace {

using config::FormatDuration;
using config::FormatSize;

std::string Number(uint64_t value) { return std::to_string(value); }
std::string Bool(bool value) { return value ? "true" : "false"; }

Tree RuntimeDefaults() {
  const RuntimeSettings runtime;
  return {{"workers", "auto"},
          {"drain_timeout", FormatDuration(runtime.drain_timeout)},
          {"shutdown_delay", FormatDuration(runtime.shutdown_delay)},
          {"state_dir", runtime.state_dir},
          {"log_level", runtime.log_level},
          {"limits",
           {{"max_connections", Number(runtime.limits.max_connections)},
            {"max_accepts_per_turn", Number(runtime.limits.max_accepts_per_turn)}}},
          {"dns",
           {{"servers", Tree::array()},
            {"timeout", FormatDuration(runtime.dns.timeout)},
            {"min_ttl", FormatDuration(runtime.dns.min_ttl)},
            {"max_ttl", FormatDuration(runtime.dns.max_ttl)}}}};
}

Tree ListenerDefaults() {
  const proxy::ListenerSettings listener;
  return {{"protocols", Tree::array({"http/1.1", "h2"})},
          {"proxy_protocol", "false"},
          {"trusted_proxies", Tree::array()},
          {"forwarded",
           {{"mode", "append"},
            {"real_ip", Bool(listener.forward_real_ip)},
            {"request_id", Bool(listener.forward_request_id)}}},
          {"upgrades", Tree::array()},
          {"path", {{"merge_slashes", Bool(listener.merge_slashes)}, {"encoded_slash", "reject"}}},
          {"limits",
           {{"max_connections", Number(listener.max_connections)},
            {"max_header_bytes", FormatSize(listener.codec.max_header_bytes)},
            {"max_headers", Number(listener.codec.max_headers)},
            {"max_streams", Number(listener.codec.http2.max_streams)},
            {"max_requests_per_connection", Number(listener.max_requests_per_connection)}}},
          {"timeouts",
           {{"request_headers", FormatDuration(listener.request_headers_timeout)},
            {"request_body_idle", FormatDuration(listener.request_body_idle_timeout)},
            {"idle", FormatDuration(listener.idle_timeout)},
            {"tunnel_idle", FormatDuration(listener.tunnel_idle_timeout)}}},
          {"filters", Tree::array()}};
}

Tree ClusterDefaults() {
  const upstream::ClusterSettings cluster;
  return {{"balance", {{"policy", "round_robin"}}},
          {"limits",
           {{"max_connections", Number(cluster.max_connections)},
            {"max_pending", Number(cluster.max_pending)},
            {"max_requests", Number(cluster.max_requests)},
            {"max_streams", Number(cluster.max_streams)}}},
          {"timeouts",
           {{"connect", FormatDuration(cluster.connect_timeout)},
            {"idle", FormatDuration(cluster.idle_timeout)}}},
          {"protocol", "auto"}};
}

std::string Ratio(double value) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.15g", value);
  return {text.data(), static_cast<size_t>(length)};
}

// But for those that follow from open_for.
Tree BreakerDefaults() {
  const upstream::BreakerSettings breaker;
  return {{"error_ratio", Ratio(breaker.error_ratio)},
          {"error_count", Number(breaker.error_count)},
          {"slow_after", FormatDuration(breaker.slow_after)},
          {"min_requests", Number(breaker.min_requests)},
          {"window", FormatDuration(breaker.window)},
          {"open_for", FormatDuration(breaker.open_for)},
          {"jitter", Ratio(breaker.jitter)},
          {"half_open_requests", Number(breaker.half_open_requests)},
          {"scope", "labels"},
          {"errors", Tree::array({"5xx", "connect_failure", "timeout", "reset", "malformed"})}};
}

Tree ForwardDefaults() {
  const route::RouteTimeouts timeouts;
  return {{"timeouts",
           {{"response_headers", FormatDuration(timeouts.response_headers)},
            {"idle", FormatDuration(timeouts.idle)},
            {"total", FormatDuration(timeouts.total)}}},
          {"filters", Tree::array()}};
}

}  // namespace

Defaults::Defaults()
    : admin({{"address", "127.0.0.1:9901"},
             {"tokens", {{"read", Tree::array()}, {"write", Tree::array()}}},
             {"insecure", "false"}}),
      runtime(RuntimeDefaults()),
      listener(ListenerDefaults()),
      cluster(ClusterDefaults()),
      breaker(BreakerDefaults()),
      endpoint({{"weight", "1"}}),
      forward(ForwardDefaults()),
      arm({{"weight", Number(route::Arm().weight)}}),
      fallback({{"when", Tree::array({"circuit_open", "no_healthy", "timeout"})}}),
      redirect({{"status", Number(route::Redirect().status)}, {"strip_query", "false"}}),
      respond({{"status", Number(route::Respond().status)}}) {}

}  // namespace gatehouse::server
