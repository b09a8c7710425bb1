// SPDX-License-Identifier: Apache-2.0
// GET /listeners: where connections come in, and what was made of them.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

Json FilterNames(const pipeline::Chain* chain) {
  Json out = Json::array();
  if (chain != nullptr) {
    for (const auto& definition : chain->definitions()) {
      out.push_back(definition->name);
    }
  }
  return out;
}

Json ListenerJson(const proxy::ListenerPlan& plan, const std::vector<BoundListener>& bound,
                  const ServerView& server) {
  const auto sum = [&](proxy::ListenerMetric metric) { return server.Sum(plan.metrics[metric]); };
  const auto at = std::find_if(bound.begin(), bound.end(),
                               [&](const BoundListener& one) { return one.id == plan.id; });
  Json out;
  out["name"] = plan.settings->name;
  out["address"] = at == bound.end() ? plan.settings->address.ToString() : at->address;
  out["configured"] = plan.settings->address.ToString();
  out["sockets"] = at == bound.end() ? 0 : at->sockets;
  out["filters"] = FilterNames(plan.no_route);
  out["max_connections"] = plan.settings->max_connections;
  out["connections"] = Json{{"active", sum(proxy::ListenerMetric::kConnectionsActive)},
                            {"accepted", sum(proxy::ListenerMetric::kConnectionsAccepted)},
                            {"refused", sum(proxy::ListenerMetric::kConnectionsRefused)}};
  out["requests"] = sum(proxy::ListenerMetric::kRequests);
  out["responses"] = Json{
      {"1xx", sum(proxy::ListenerMetric::kResponses1xx)},
      {"2xx", sum(proxy::ListenerMetric::kResponses2xx)},
      {"3xx", sum(proxy::ListenerMetric::kResponses3xx)},
      {"4xx", sum(proxy::ListenerMetric::kResponses4xx)},
      {"5xx", sum(proxy::ListenerMetric::kResponses5xx)},
  };
  return out;
}

}  // namespace

void GetListeners(Call& call) {
  call.server.Answer(
      [&server = call.server, snapshot = call.server.Snapshot(), bound = call.server.Listeners()] {
        Json out = Json::array();
        for (const proxy::ListenerPlan& plan : snapshot->listeners) {
          out.push_back(ListenerJson(plan, bound, server));
        }
        return JsonResponse(Json{{"listeners", std::move(out)}});
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
