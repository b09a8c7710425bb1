// SPDX-License-Identifier: Apache-2.0
// GET /routes: the routes in order of declaration, in the words of the configuration.
#include <re2/re2.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

Json ValueMatchJson(const route::ValueMatch& match) {
  using Kind = route::ValueMatch::Kind;
  switch (match.kind) {
    case Kind::kExact:
      return match.text;
    case Kind::kPrefix:
      return Json{{"prefix", match.text}};
    case Kind::kSuffix:
      return Json{{"suffix", match.text}};
    case Kind::kContains:
      return Json{{"contains", match.text}};
    case Kind::kRegex:
      return Json{{"regex", match.text}};
    case Kind::kPresent:
      return Json{{"present", true}};
    case Kind::kAbsent:
      break;
  }
  return Json{{"present", false}};
}

void AddValueMatches(Json& out, const char* name, const std::vector<route::ValueMatch>& matches) {
  for (const route::ValueMatch& match : matches) {
    out[name][match.name] = ValueMatchJson(match);
  }
}

template <typename List>
void AddList(Json& out, const char* name, const List& list) {
  if (!list.empty()) {
    out[name] = list;
  }
}

void AddText(Json& out, const char* name, const std::string& text) {
  if (!text.empty()) {
    out[name] = text;
  }
}

Json MatchJson(const route::RouteMatch& match, const proxy::Snapshot& snapshot) {
  Json out = Json::object();
  AddList(out, "hosts", match.hosts);
  switch (match.path_kind) {
    case route::PathKind::kAny:
      break;
    case route::PathKind::kExact:
      out["path"] = match.path;
      break;
    case route::PathKind::kPrefix:
      out["path_prefix"] = match.path;
      break;
    case route::PathKind::kRegex:
      out["path_regex"] = match.path_regex->pattern();
      break;
  }
  AddList(out, "methods", match.conditions->methods);
  AddValueMatches(out, "headers", match.conditions->headers);
  AddValueMatches(out, "query", match.conditions->query);
  AddValueMatches(out, "cookies", match.conditions->cookies);
  for (const Cidr& block : match.conditions->client_ip) {
    const int bits = block.base.IsV4() ? block.prefix - 96 : block.prefix;
    out["client_ip"].push_back(block.base.ToString() + "/" + std::to_string(bits));
  }
  AddText(out, "scheme", match.conditions->scheme);
  for (const uint32_t listener : match.conditions->listeners) {
    if (listener < snapshot.listeners.size()) {
      out["listeners"].push_back(snapshot.listeners[listener].settings->name);
    }
  }
  return out;
}

Json LabelsJson(const route::LabelSet& labels) {
  Json out = Json::object();
  for (const auto& [key, value] : labels) {
    out[key] = value;
  }
  return out;
}

void AddForward(Json& out, const route::Forward& forward, const proxy::Snapshot& snapshot) {
  Json arms = Json::array();
  for (const route::Arm& arm : forward.arms) {
    arms.push_back(Json{{"cluster", snapshot.clusters[arm.cluster]->name()},
                        {"labels", LabelsJson(arm.labels)},
                        {"weight", arm.weight}});
  }
  out["forward"] = std::move(arms);
  Json rewrite = Json::object();
  AddText(rewrite, "strip_prefix", forward.rewrite->strip_prefix);
  AddText(rewrite, "prefix", forward.rewrite->prefix);
  AddText(rewrite, "path", forward.rewrite->path);
  AddText(rewrite, "host", forward.rewrite->host);
  for (const auto& [name, value] : forward.rewrite->headers.set) {
    rewrite["headers"]["set"][name] = value;
  }
  for (const auto& [name, value] : forward.rewrite->headers.add) {
    rewrite["headers"]["add"][name] = value;
  }
  if (!forward.rewrite->headers.remove.empty()) {
    rewrite["headers"]["remove"] = forward.rewrite->headers.remove;
  }
  if (!rewrite.empty()) {
    out["rewrite"] = std::move(rewrite);
  }
}

void AddRedirect(Json& out, const route::Redirect& redirect) {
  Json to{{"status", redirect.status}};
  AddText(to, "scheme", redirect.scheme);
  AddText(to, "host", redirect.host);
  if (redirect.port != 0) {
    to["port"] = redirect.port;
  }
  AddText(to, "path", redirect.path);
  AddText(to, "prefix", redirect.prefix);
  out["redirect"] = std::move(to);
}

void AddAction(Json& out, const route::Route& route, const proxy::Snapshot& snapshot) {
  if (const route::Forward* forward = route.forward()) {
    AddForward(out, *forward, snapshot);
  } else if (const route::Redirect* redirect = route.redirect()) {
    AddRedirect(out, *redirect);
  } else if (const route::Respond* respond = route.respond()) {
    out["respond"] = Json{{"status", respond->status}, {"body_bytes", respond->body.size()}};
  }
}

// The names of the chain, by listener.
Json FiltersJson(uint32_t route, const proxy::Snapshot& snapshot) {
  Json out = Json::object();
  for (const proxy::ListenerPlan& plan : snapshot.listeners) {
    const pipeline::Chain* chain = route < plan.chains.size() ? plan.chains[route] : nullptr;
    if (chain != nullptr) {
      Json names = Json::array();
      for (const auto& definition : chain->definitions()) {
        names.push_back(definition->name);
      }
      out[plan.settings->name] = std::move(names);
    }
  }
  return out;
}

Json RouteJson(const route::Route& route, const proxy::Snapshot& snapshot,
               const ServerView& server) {
  Json out;
  out["name"] = route.name;
  out["index"] = route.index;
  out["match"] = MatchJson(route.match, snapshot);
  AddAction(out, route, snapshot);
  out["filters"] = FiltersJson(route.index, snapshot);
  if (route.index < snapshot.route_metrics.size()) {
    out["requests"] =
        server.Sum(snapshot.route_metrics[route.index][proxy::RouteMetric::kRequests]);
  }
  return out;
}

}  // namespace

void GetRoutes(Call& call) {
  call.server.Answer(
      [&server = call.server, snapshot = call.server.Snapshot()] {
        Json out = Json::array();
        for (const auto& route : snapshot->routes->routes()) {
          out.push_back(RouteJson(*route, *snapshot, server));
        }
        return JsonResponse(Json{{"routes", std::move(out)}});
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
