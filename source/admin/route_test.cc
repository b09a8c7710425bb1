// SPDX-License-Identifier: Apache-2.0
// GET /route?method=GET&url=http://host/path&header=name:value: which listener, route, filters and
// cluster would take such a request now, and why.
#include <string>
#include <utility>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {

void GetRouteTest(Call& call) {
  RouteQuestion question;
  if (call.query.Has("method")) {
    question.method = call.query.Value("method");
  }
  question.url = call.query.Value("url");
  question.headers = call.query.Values("header");
  question.client_ip = call.query.Value("client_ip");
  question.listener = call.query.Value("listener");
  question.identity = call.query.Values("identity");
  if (question.url.empty()) {
    call.Send(
        ErrorResponse(400, "no_url", "say what to ask for: ?method=GET&url=http://host/path"));
    return;
  }
  call.server.Answer(
      [&server = call.server, snapshot = call.server.Snapshot(), question = std::move(question)] {
        Result<std::string> answer = server.ExplainRoute(*snapshot, question);
        if (!answer) {
          return ErrorResponse(400, "bad_request", answer.error().message);
        }
        proxy::HandlerResponse response;
        response.body = std::move(*answer);
        return response;
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
