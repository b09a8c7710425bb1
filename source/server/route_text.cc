// SPDX-License-Identifier: Apache-2.0
// The route tester's answer for people.
#include <cstdio>
#include <string>
#include <string_view>

#include "source/server/route_explain.h"

namespace gatehouse::server {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& object, const char* key) { return object.at(key).get<std::string>(); }

void AppendLine(std::string& out, std::string_view word, std::string_view text) {
  constexpr size_t kColumn = 10;
  out.append("  ").append(word).append(kColumn - word.size(), ' ').append(text).append("\n");
}

std::string RequestLine(const Json& request) {
  std::string out = Text(request, "method") + " ";
  if (!Text(request, "host").empty()) {
    out += Text(request, "scheme") + "://" + Text(request, "host");
  }
  out += Text(request, "path");
  if (!Text(request, "query").empty()) {
    out += "?" + Text(request, "query");
  }
  return out + " from " + Text(request, "client_ip") + "\n";
}

std::string Filters(const Json& filters) {
  std::string out;
  for (const Json& filter : filters) {
    const std::string name = Text(filter, "name");
    const std::string type = Text(filter, "type");
    out += (out.empty() ? "" : ", ") + name + (name == type ? "" : " (" + type + ")");
  }
  return out.empty() ? "none" : out;
}

// "alice (jwt), groups: admins, ops"
std::string Caller(const Json& identity) {
  std::string out = Text(identity, "subject") + " (" + Text(identity, "kind") + ")";
  std::string groups;
  for (const Json& group : identity.at("groups")) {
    groups += (groups.empty() ? ", groups: " : ", ") + group.get<std::string>();
  }
  return out + groups;
}

// "users with version=v2 (1 of 2 endpoints)"
std::string Arm(const Json& arm) {
  std::string out = Text(arm, "cluster");
  std::string labels;
  for (const auto& [key, value] : arm.at("labels").items()) {
    labels += (labels.empty() ? " with " : ", ") + key + "=" + value.get<std::string>();
  }
  const size_t carrying = arm.at("endpoints");
  const size_t all = arm.at("of");
  const std::string noun = all == 1 ? " endpoint" : " endpoints";
  return out + labels + " (" + (labels.empty() ? "" : std::to_string(carrying) + " of ") +
         std::to_string(all) + noun + (arm.contains("breaker") ? ", with a circuit breaker" : "") +
         ")";
}

// "on circuit_open, timeout: 200 with 2 bytes"
std::string Fallback(const Json& fallback) {
  std::string out;
  for (const Json& reason : fallback.at("when")) {
    out += (out.empty() ? "on " : ", ") + reason.get<std::string>();
  }
  if (fallback.contains("arm")) {
    return out + ": " + Arm(fallback.at("arm"));
  }
  const Json& respond = fallback.at("respond");
  return out + ": " + std::to_string(respond.at("status").get<int>()) + " with " +
         std::to_string(respond.at("bytes").get<size_t>()) + " bytes";
}

std::string Percent(double percent) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g%%", percent);
  return text;
}

void AppendForward(std::string& out, const Json& forward, const Json& request) {
  const Json& arms = forward.at("arms");
  for (const Json& arm : arms) {
    const bool split = arms.size() > 1;
    AppendLine(out, &arm == &arms.front() ? "cluster" : "",
               (split ? Percent(arm.at("percent")) + " " : "") + Arm(arm));
  }
  const std::string path = Text(forward, "path");
  if (path != Text(request, "path")) {
    AppendLine(out, "path", path + ", rewritten");
  }
  AppendLine(out, "host", Text(forward, "host").empty() ? "none" : Text(forward, "host"));
}

void AppendOutcome(std::string& out, const Json& all) {
  if (all.contains("forward")) {
    AppendForward(out, all.at("forward"), all.at("request"));
    if (all.contains("fallback")) {
      AppendLine(out, "fallback", Fallback(all.at("fallback")));
    }
  } else if (all.contains("redirect")) {
    const Json& redirect = all.at("redirect");
    AppendLine(
        out, "redirect",
        std::to_string(redirect.at("status").get<int>()) + " to " + Text(redirect, "location"));
  } else if (all.contains("respond")) {
    const Json& respond = all.at("respond");
    AppendLine(out, "respond",
               std::to_string(respond.at("status").get<int>()) + " with " +
                   std::to_string(respond.at("bytes").get<size_t>()) + " bytes");
  } else {
    const Json& refused = all.at("refused");
    AppendLine(out, "answer",
               std::to_string(refused.at("status").get<int>()) + ": " + Text(refused, "why"));
  }
}

}  // namespace

std::string ExplanationJson(const Json& all) {
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ExplanationText(const Json& all) {
  std::string out = RequestLine(all.at("request"));
  const Json& listener = all.at("listener");
  AppendLine(out, "listener", Text(listener, "name") + " (" + Text(listener, "address") + ")");
  const Json& route = all.at("route");
  AppendLine(out, "route",
             route.is_null() ? "none" : Text(route, "name") + " (" + Text(route, "at") + ")");
  if (const Json& identity = all.at("identity"); !identity.is_null()) {
    AppendLine(out, "identity", Caller(identity));
  }
  AppendLine(out, "filters", Filters(all.at("filters")));
  for (const Json& filter : all.at("filters")) {
    if (filter.contains("explanation")) {
      AppendLine(out, "", Text(filter, "name") + ": " + Text(filter, "explanation"));
    }
  }
  AppendOutcome(out, all);
  for (const Json& note : all.at("notes")) {
    AppendLine(out, "note", note.get<std::string>());
  }
  const Json& near = all.at("near_misses");
  if (!near.empty()) {
    out.append(route.is_null() ? "came near:\n" : "declared before it, and came near:\n");
  }
  for (const Json& miss : near) {
    out.append("  " + Text(miss, "route") + " (" + Text(miss, "at") + "): " + Text(miss, "why") +
               "\n");
  }
  return out;
}

}  // namespace gatehouse::server
