// SPDX-License-Identifier: Apache-2.0
// GET /metrics, /stats: all metrics, rendered off the loops.
#include <string>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {

void GetMetrics(Call& call) {
  call.server.AnswerFromMetrics(
      [](const observe::Metrics& metrics) {
        proxy::HandlerResponse response = TextResponse(metrics.Prometheus());
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return response;
      },
      std::move(call.reply));
}

void GetStats(Call& call) {
  call.server.AnswerFromMetrics(
      [filter = std::string(call.query.Value("filter"))](const observe::Metrics& metrics) {
        proxy::HandlerResponse response;
        response.body = metrics.Json(filter);
        return response;
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
