// SPDX-License-Identifier: Apache-2.0
// respond: {status: 200, body: "pong\n", content_type: text/plain, headers: {cache-control:
// no-store}} respond: {status: 503, body_file: pages/down.html, content_type: text/html}
#include <string>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/config/document.h"
#include "source/route/action_config.h"
#include "source/route/header_config.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

constexpr uint64_t kMaxBodyBytes = 1 << 20;  // It stays in memory for as long as its route.

std::string LoadBodyFile(const Value& value) {
  const std::string path = value.String();
  if (!value.IsScalar()) {
    return {};
  }
  if (path.empty() || path == "-") {
    value.Error("is not a file");
    return {};
  }
  Result<std::string> content = config::ReadFile(path, kMaxBodyBytes);
  if (!content) {
    value.Error(content.error().message);
    return {};
  }
  return *std::move(content);
}

bool IsPrintable(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool SourceUnchanged(const Respond& respond) {
  if (respond.body_file.empty()) {
    return true;
  }
  const Result<std::string> now = config::ReadFile(respond.body_file, kMaxBodyBytes);
  return now && *now == respond.body;
}

Respond LoadRespond(Object& in) {
  Respond out;
  out.status = static_cast<uint16_t>(
      in.Uint("status", {.def = 200, .min = 200, .max = 599}, "Status code of the answer."));
  const Value body = in.Get("body", config::About("Content of the answer.").Example("\"pong\\n\""));
  const Value file = in.Get(
      "body_file",
      config::About("File with the content, read when the configuration is loaded; up to 1 MiB.")
          .Type("path")
          .Example("pages/down.html"));
  out.body = body.String();
  if (body.present() && file.present()) {
    file.Error("can't stand beside \"body\"");
  } else if (file.present()) {
    out.body = LoadBodyFile(file);
    out.body_file = file.String();
  }
  if ((out.status == 204 || out.status == 304) && !out.body.empty()) {
    (file.present() ? file : body)
        .Error("an answer with status " + std::to_string(out.status) + " has no content");
  }
  out.content_type =
      in.String("content_type", out.body.empty() ? "" : "text/plain; charset=utf-8",
                config::About("Media type of the content.").Default("text/plain; charset=utf-8"));
  if (!IsPrintable(out.content_type)) {
    in.Error("content_type", "has control characters, which headers can't hold");
    out.content_type.clear();
  }
  out.headers = LoadFields(in, "headers", "Headers of the answer.");
  for (const auto& [name, value] : out.headers) {
    if (EqualsIgnoreCase(name, "content-type")) {
      in.Error("headers", "the content type is set with content_type");
    }
  }
  return out;
}

}  // namespace gatehouse::route
