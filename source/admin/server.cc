// SPDX-License-Identifier: Apache-2.0
// GET /server: the process.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"
#include "source/base/log.h"

namespace gatehouse::admin {
namespace {

std::string_view StateName(ServerState state) {
  switch (state) {
    case ServerState::kStarting:
      return "starting";
    case ServerState::kServing:
      return "serving";
    case ServerState::kDraining:
      break;
  }
  return "draining";
}

}  // namespace

void GetServer(Call& call) {
  const ServerFacts facts = call.server.Facts();
  Json workers = Json::array();
  uint64_t connections = 0;
  uint64_t streams = 0;
  for (size_t i = 0; i < facts.workers.size(); ++i) {
    const ServerFacts::Worker& worker = facts.workers[i];
    workers.push_back(
        Json{{"index", i}, {"connections", worker.connections}, {"streams", worker.streams}});
    connections += worker.connections;
    streams += worker.streams;
  }
  const ConfigStatus& status = call.server.Status();
  call.Send(JsonResponse(Json{
      {"version", facts.version},
      {"state", StateName(call.server.State())},
      {"pid", getpid()},
      {"started", TimeJson(facts.started)},
      {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count()},
      {"config", status.source},
      {"epoch", status.epoch},
      {"epochs_in_use", facts.epochs_in_use},
      {"log_level", log::LevelName(log::CurrentLevel())},
      {"connections", connections},
      {"streams", streams},
      {"workers", std::move(workers)},
  }));
}

}  // namespace gatehouse::admin
