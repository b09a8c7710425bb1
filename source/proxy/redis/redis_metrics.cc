// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/redis_metrics.h"

#include <string>
#include <string_view>

namespace gatehouse::redis {

RedisMetrics RedisMetrics::Define(observe::Metrics& metrics) {
  static constexpr std::array<std::string_view, kTroubles> kKinds = {
      "timeout", "unreachable", "closed", "away", "refused", "malformed", "overflow"};
  RedisMetrics out;
  out.calls = metrics.Counter("gatehouse_redis_calls_total", "Scripts that were asked for.");
  out.active =
      metrics.Gauge("gatehouse_redis_calls_active", "Scripts whose answer has not come yet.");
  for (size_t i = 0; i < kTroubles; ++i) {
    out.errors[i] =
        metrics.Counter("gatehouse_redis_errors_total", "Calls that failed, by what went wrong.",
                        {{"kind", std::string(kKinds[i])}});
  }
  out.connections =
      metrics.Counter("gatehouse_redis_connections_opened_total", "Connections begun.");
  out.script_loads = metrics.Counter("gatehouse_redis_script_loads_total",
                                     "Scripts sent because the server did not know them.");
  out.away = metrics.Gauge("gatehouse_redis_away",
                           "Pairs of a worker and a server that is known not to answer now.");
  out.duration =
      metrics.Keep(observe::MetricKind::kHistogram, "gatehouse_redis_call_duration_seconds",
                   "From a call to Redis' answer, be it an error.");
  return out;
}

}  // namespace gatehouse::redis
