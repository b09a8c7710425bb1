// SPDX-License-Identifier: Apache-2.0
// GET /config, /config/status and POST /config/validate, /reload: what is served, how it came to
// be, and whether something else could be.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

std::string_view OutcomeName(ReloadOutcome outcome) {
  switch (outcome) {
    case ReloadOutcome::kLoaded:
      return "loaded";
    case ReloadOutcome::kUnchanged:
      return "unchanged";
    case ReloadOutcome::kFailed:
      break;
  }
  return "failed";
}

Json ReportJson(const ReloadReport& report) {
  Json out;
  out["result"] = OutcomeName(report.outcome);
  out["epoch"] = report.epoch;
  out["at"] = TimeJson(report.at);
  out["trigger"] = report.trigger;
  if (!report.error.empty()) {
    out["error"] = report.error;
  }
  out["errors"] = report.diagnostics->errors();
  out["warnings"] = report.diagnostics->warnings();
  out["restart_required"] = report.restart_required;
  out["diagnostics"] = DiagnosticsJson(*report.diagnostics);
  return out;
}

}  // namespace

void GetConfig(Call& call) {
  proxy::HandlerResponse response = TextResponse(call.server.EffectiveConfig());
  response.content_type = "text/yaml; charset=utf-8";
  call.Send(std::move(response));
}

void GetConfigStatus(Call& call) {
  const ConfigStatus& status = call.server.Status();
  call.Send(JsonResponse(Json{
      {"source", status.source},
      {"epoch", status.epoch},
      {"loaded_at", TimeJson(status.loaded_at)},
      {"hash", status.hash},
      {"reloading", status.reloading},
      {"attempts",
       {{"loaded", status.loaded}, {"unchanged", status.unchanged}, {"failed", status.failed}}},
      {"last", ReportJson(status.last)},
  }));
}

void PostValidate(Call& call) {
  call.server.Validate(std::string(call.request.body), [reply = std::move(call.reply)](
                                                           const config::Diagnostics& diagnostics) {
    reply->Send(JsonResponse(Json{{"valid", diagnostics.ok()},
                                  {"errors", diagnostics.errors()},
                                  {"warnings", diagnostics.warnings()},
                                  {"diagnostics", DiagnosticsJson(diagnostics)}},
                             diagnostics.ok() ? 200 : 422));
  });
}

void PostReload(Call& call) {
  call.server.Reload("admin", [reply = std::move(call.reply)](const ReloadReport& report) {
    const bool failed = report.outcome == ReloadOutcome::kFailed;
    reply->Send(JsonResponse(ReportJson(report), failed ? 422 : 200));
  });
}

}  // namespace gatehouse::admin
