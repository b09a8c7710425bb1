// SPDX-License-Identifier: Apache-2.0
// `gatehouse reload`, `drain` and `status`: asking a gateway that runs.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "source/config/values.h"
#include "source/server/admin_client.h"
#include "source/server/commands.h"

namespace gatehouse::server {
namespace {

using Json = nlohmann::json;

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr Duration kQuick = std::chrono::seconds(10);
constexpr Duration kReload = std::chrono::minutes(5);

int Complain(const std::string& what) {
  std::fprintf(stderr, "gatehouse: %s\n", what.c_str());
  return kFailed;
}

// What answers may be anything: a member that is missing or of another type is empty.
const Json& Member(const Json& json, const char* key) {
  static const Json none;
  const auto at = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && at != json.end() ? *at : none;
}

std::string Text(const Json& json, const char* key) {
  const Json& value = Member(json, key);
  return value.is_string() ? value.get<std::string>()
         : value.is_null() ? ""
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

uint64_t Number(const Json& json, const char* key) {
  const Json& value = Member(json, key);
  return value.is_number_unsigned() ? value.get<uint64_t>() : 0;
}

Result<Json> AskJson(const AdminTarget& target, const char* method, const char* path,
                     Duration limit) {
  const Result<AdminAnswer> answer = AskAdmin(target, method, path, limit);
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  Json json = Json::parse(answer->body, nullptr, false);
  const bool expected = answer->status < 300 || answer->status == 422;
  if (!json.is_object() || !expected) {
    return Fail(ErrorCode::kIo, ErrorSource::kInternal,
                target.address + " answers " + std::to_string(answer->status) +
                    ", and not as a gateway's admin endpoint does");
  }
  return json;
}

// The diagnostics of one attempt, and what of it waits for a restart.
void PrintReport(const Json& report, std::FILE* out) {
  for (const Json& one : Member(report, "diagnostics")) {
    std::fprintf(out, "%s\n", Text(one, "text").c_str());
  }
  if (const std::string error = Text(report, "error"); !error.empty()) {
    std::fprintf(out, "%s\n", error.c_str());
  }
  for (const Json& key : Member(report, "restart_required")) {
    if (key.is_string()) {
      std::fprintf(out, "%s: the change takes effect with the next start only\n",
                   key.get<std::string>().c_str());
    }
  }
}

void PrintStatus(const Json& server, const Json& config) {
  const std::string uptime =
      config::FormatDuration(std::chrono::seconds(Number(server, "uptime_seconds")));
  std::printf("gatehouse %s, %s, pid %s, up %s\n", Text(server, "version").c_str(),
              Text(server, "state").c_str(), Text(server, "pid").c_str(), uptime.c_str());
  std::printf("config      %s, epoch %s, loaded %s\n", Text(config, "source").c_str(),
              Text(config, "epoch").c_str(), Text(config, "loaded_at").c_str());
  const Json& last = Member(config, "last");
  std::printf("last load   %s at %s (%s), %s errors, %s warnings\n", Text(last, "result").c_str(),
              Text(last, "at").c_str(), Text(last, "trigger").c_str(), Text(last, "errors").c_str(),
              Text(last, "warnings").c_str());
  std::printf("load        %s connections, %s requests under way, %zu workers\n",
              Text(server, "connections").c_str(), Text(server, "streams").c_str(),
              Member(server, "workers").size());
  PrintReport(last, stdout);
}

}  // namespace

int ReloadCommand(const AdminTarget& asked) {
  const Result<AdminTarget> target = ResolveAdminTarget(asked);
  if (!target) {
    return Complain(target.error().message);
  }
  const Result<Json> report = AskJson(*target, "POST", "/reload", kReload);
  if (!report) {
    return Complain(report.error().message);
  }
  const std::string epoch = Text(*report, "epoch");
  if (Text(*report, "result") == "failed") {
    PrintReport(*report, stderr);
    return Complain("the reload failed and changed nothing: epoch " + epoch + " is still served");
  }
  PrintReport(*report, stdout);
  std::printf("%s: epoch %s is served\n", Text(*report, "result").c_str(), epoch.c_str());
  return kOk;
}

int DrainCommand(const AdminTarget& asked) {
  const Result<AdminTarget> target = ResolveAdminTarget(asked);
  if (!target) {
    return Complain(target.error().message);
  }
  const Result<Json> answer = AskJson(*target, "POST", "/drain", kQuick);
  if (!answer) {
    return Complain(answer.error().message);
  }
  std::printf("draining: the process ends when its last request is answered\n");
  return kOk;
}

int StatusCommand(const AdminTarget& asked) {
  const Result<AdminTarget> target = ResolveAdminTarget(asked);
  if (!target) {
    return Complain(target.error().message);
  }
  const Result<Json> server = AskJson(*target, "GET", "/server", kQuick);
  if (!server) {
    return Complain(server.error().message);
  }
  const Result<Json> config = AskJson(*target, "GET", "/config/status", kQuick);
  if (!config) {
    return Complain(config.error().message);
  }
  PrintStatus(*server, *config);
  return kOk;
}

}  // namespace gatehouse::server
