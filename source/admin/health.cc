// SPDX-License-Identifier: Apache-2.0
// GET /healthz, /readyz: for orchestrators and load balancers. They wait for nothing.
#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {

void GetHealth(Call& call) { call.Send(TextResponse("ok\n")); }

void GetReadiness(Call& call) {
  switch (call.server.State()) {
    case ServerState::kServing:
      call.Send(TextResponse("ready\n"));
      return;
    case ServerState::kStarting:
      call.Send(TextResponse("starting\n", 503));
      return;
    case ServerState::kDraining:
      call.Send(TextResponse("draining\n", 503));
      return;
  }
}

}  // namespace gatehouse::admin
