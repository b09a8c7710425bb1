// SPDX-License-Identifier: Apache-2.0
// GET, POST /logging: the level of the operational log, until the next start or a reload that
// changes it.
#include <nlohmann/json.hpp>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"
#include "source/base/log.h"

namespace gatehouse::admin {

void GetLogging(Call& call) {
  call.Send(JsonResponse(Json{{"level", log::LevelName(log::CurrentLevel())}}));
}

void PostLogging(Call& call) {
  const std::optional<log::Level> level = log::ParseLevel(call.query.Value("level"));
  if (!level) {
    call.Send(ErrorResponse(400, "bad_level",
                            "level must be debug, info, warning, error or off: ?level=debug"));
    return;
  }
  log::SetLevel(*level);
  log::Info("log level changed", {{"level", log::LevelName(*level)}});
  GetLogging(call);
}

}  // namespace gatehouse::admin
