// SPDX-License-Identifier: Apache-2.0
// POST /drain, /quit: the end of the process, in order or at once.
#include <nlohmann/json.hpp>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {

void PostDrain(Call& call) {
  call.server.Drain();
  call.Send(JsonResponse(Json{{"state", "draining"}}, 202));
}

void PostQuit(Call& call) {
  call.Send(JsonResponse(Json{{"state", "stopping"}}, 202));
  call.server.Quit();
}

}  // namespace gatehouse::admin
