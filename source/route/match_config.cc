// SPDX-License-Identifier: Apache-2.0
// match: {hosts: [api.example.com, "*.example.org"], path_prefix: /users, methods: [GET, HEAD],
//         headers: {x-release: canary}, query: {debug: {present: false}}, cookies: {beta: "1"},
//         client_ip: [10.0.0.0/8], scheme: https, listeners: [web]}
#include "source/route/match_config.h"

#include <algorithm>
#include <utility>

#include "source/pipeline/path_config.h"
#include "source/pipeline/request_config.h"
#include "source/route/route_index.h"

namespace gatehouse::route {
namespace {

using config::About;
using config::Object;
using config::Value;

void LoadPathMatch(Object& in, LoadContext& context, RouteMatch& out) {
  const Value exact = in.Get("path", About("Exact path, without the query.").Type("path"));
  const Value prefix =
      in.Get("path_prefix",
             About("Path and all below it, by whole segments; a slash at its end doesn't count.")
                 .Type("path"));
  const Value regex = in.Get(
      "path_regex", About("RE2 expression that the whole path must match.").Type("RE2 expression"));
  std::string_view first;
  for (const auto& [key, value] : {std::pair<std::string_view, const Value&>{"path", exact},
                                   {"path_prefix", prefix},
                                   {"path_regex", regex}}) {
    if (value.present() && !first.empty()) {
      in.Error(key, "can't stand beside \"" + std::string(first) +
                        "\": a match has at most one of path, path_prefix, path_regex");
    } else if (value.present()) {
      first = key;
    }
  }
  if (regex.present()) {
    const std::string pattern = regex.String();
    out.path_regex = regex.IsScalar() ? context.regexes().Regex(regex, pattern) : nullptr;
    out.path_kind = out.path_regex ? PathKind::kRegex : PathKind::kAny;
  }
  if (prefix.present()) {
    out.path_kind = PathKind::kPrefix;
    out.path = pipeline::LoadPath(prefix, context.arena());
    const std::string_view canonical = CanonicalPrefix(out.path);
    out.path = canonical.empty() ? "/" : std::string(canonical);
  }
  if (exact.present()) {
    out.path_kind = PathKind::kExact;
    out.path = pipeline::LoadPath(exact, context.arena());
  }
}

void LoadListeners(Object& in, LoadContext& context, std::vector<uint32_t>& out) {
  for (const Value& value : pipeline::NotEmptyList(
           in, "listeners",
           About("Names of the listeners whose requests match; all when left out.")
               .Type("listener's name"))) {
    const std::string name = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    if (const std::optional<uint32_t> found = context.Listener(value, name)) {
      out.push_back(*found);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  out.shrink_to_fit();
}

}  // namespace

RouteMatch LoadMatch(Object in, LoadContext& context) {
  RouteMatch out;
  pipeline::LoadHosts(in, context.arena(), out.hosts);
  LoadPathMatch(in, context, out);
  Conditions conditions;
  pipeline::LoadMethods(in, conditions.methods);
  pipeline::LoadHeaderMatches(in, context.regexes(), conditions.headers);
  pipeline::LoadQueryMatches(in, context.regexes(), conditions.query);
  pipeline::LoadCookieMatches(in, context.regexes(), conditions.cookies);
  pipeline::LoadClientIp(in, conditions.client_ip);
  conditions.scheme = in.Enum<std::string_view>("scheme", {{"http", "http"}, {"https", "https"}},
                                                "", "Scheme that the client used.");
  LoadListeners(in, context, conditions.listeners);
  if (!conditions.empty()) {
    out.conditions = std::move(conditions);
  }
  return out;
}

}  // namespace gatehouse::route
