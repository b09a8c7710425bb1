// SPDX-License-Identifier: Apache-2.0
#include "source/admin/reply.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace gatehouse::admin {

proxy::HandlerResponse JsonResponse(const Json& json, uint16_t status) {
  proxy::HandlerResponse out;
  out.status = status;
  out.body = json.dump(2, ' ', false, Json::error_handler_t::replace);
  out.body.push_back('\n');
  return out;
}

proxy::HandlerResponse TextResponse(std::string text, uint16_t status) {
  proxy::HandlerResponse out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.body = std::move(text);
  return out;
}

proxy::HandlerResponse ErrorResponse(uint16_t status, std::string_view error,
                                     std::string_view message) {
  return JsonResponse(Json{{"error", error}, {"message", message}}, status);
}

Json TimeJson(WallTime time) {
  const auto since = time.time_since_epoch();
  if (since.count() == 0) {
    return nullptr;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since - seconds);
  const time_t at = seconds.count();
  tm parts{};
  gmtime_r(&at, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>(millis.count()));
  return std::string(text.data());
}

Json DiagnosticsJson(const config::Diagnostics& diagnostics) {
  Json out = Json::array();
  for (const config::Diagnostic& diagnostic : diagnostics.Sorted()) {
    Json entry;
    entry["severity"] = diagnostic.severity == config::Severity::kError ? "error" : "warning";
    if (diagnostic.position.file < diagnostics.files().size()) {
      entry["file"] = diagnostics.files()[diagnostic.position.file];
    }
    if (diagnostic.position.line > 0) {
      entry["line"] = diagnostic.position.line;
      entry["column"] = diagnostic.position.column;
    }
    entry["path"] = diagnostic.path;
    entry["message"] = diagnostic.message;
    if (!diagnostic.suggestion.empty()) {
      entry["suggestion"] = diagnostic.suggestion;
    }
    entry["text"] = diagnostics.Line(diagnostic);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace gatehouse::admin
