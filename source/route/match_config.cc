// SPDX-License-Identifier: Apache-2.0
// match: {hosts: [api.example.com, "*.example.org"], path_prefix: /users, methods: [GET, HEAD],
//         headers: {x-release: canary}, query: {debug: {present: false}}, cookies: {beta: "1"},
//         client_ip: [10.0.0.0/8], scheme: https, listeners: [web]}
#include "source/route/match_config.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/route/header_config.h"
#include "source/route/path_config.h"
#include "source/route/route_index.h"
#include "source/route/value_config.h"

namespace gatehouse::route {
namespace {

using config::About;
using config::Object;
using config::Value;

// The elements of a list that, once written, must hold something: an empty one would match all.
std::vector<Value> NotEmptyList(Object& in, std::string_view key, const About& about) {
  const Value value = in.Get(key, about);
  std::vector<Value> out = value.List();
  if (value.IsNull() || (value.IsList() && out.empty())) {
    value.Error("is empty; leave it out to match all");
  }
  return out;
}

void LoadHosts(Object& in, LoadContext& context, std::vector<std::string>& out) {
  const Value one = in.Get(
      "host",
      About("Host asked for, whatever the port; `*.example.org` is every name below that one.")
          .Type("host"));
  std::vector<Value> values = NotEmptyList(
      in, "hosts",
      About("Hosts asked for, any of them; `*.` stands for one or more labels in front.")
          .Type("host"));
  if (one.present()) {
    if (in.Has("hosts")) {
      in.Error("hosts", "can't stand beside \"host\"");
    }
    values.insert(values.begin(), one);
  }
  bool any_host = false;
  for (const Value& value : values) {
    std::string host = LoadHost(value, /*wildcard=*/true, context.arena());
    any_host = any_host || host == "*";
    if (std::find(out.begin(), out.end(), host) != out.end()) {
      value.Warning("the host " + host + " is listed twice");
    } else if (!host.empty()) {
      out.push_back(std::move(host));
    }
  }
  if (any_host) {
    out.clear();
  }
  out.shrink_to_fit();
}

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
    out.path_regex = regex.IsScalar() ? context.Regex(regex, pattern) : nullptr;
    out.path_kind = out.path_regex ? PathKind::kRegex : PathKind::kAny;
  }
  if (prefix.present()) {
    out.path_kind = PathKind::kPrefix;
    out.path = LoadPath(prefix, context.arena());
    const std::string_view canonical = CanonicalPrefix(out.path);
    out.path = canonical.empty() ? "/" : std::string(canonical);
  }
  if (exact.present()) {
    out.path_kind = PathKind::kExact;
    out.path = LoadPath(exact, context.arena());
  }
}

void LoadMethods(Object& in, std::vector<std::string>& out) {
  static constexpr std::string_view kStandard[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  for (const Value& value :
       NotEmptyList(in, "methods",
                    About("Methods, any of them; case counts, and GET doesn't imply HEAD.")
                        .Type("method"))) {
    std::string method = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    std::string upper = method;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const bool standard =
        std::find(std::begin(kStandard), std::end(kStandard), method) != std::end(kStandard);
    const bool meant =
        std::find(std::begin(kStandard), std::end(kStandard), upper) != std::end(kStandard);
    if (!IsToken(method)) {
      value.Error("\"" + method + "\" is not a method");
    } else if (!standard && meant) {
      value.Error("methods are case-sensitive, and \"" + method + "\" is none that clients send",
                  upper);
    } else if (const std::string_view near = Nearest(method, kStandard);
               !standard && !near.empty()) {
      value.Warning("\"" + method + "\" is not a standard method", std::string(near));
    }
    out.push_back(std::move(method));
  }
  out.shrink_to_fit();
}

void LoadHeaders(Object& in, LoadContext& context, std::vector<ValueMatch>& out) {
  for (const auto& [name, value] : in.Entries(
           "headers",
           "Headers by name, all of them: a value or a test; any line of the name may hold it.")) {
    if (!IsToken(name)) {
      value.Error("\"" + name + "\" is not a header name");
      continue;
    }
    std::string lower = Lowercase(name);
    if (lower == "host") {
      value.Error("hosts are matched with match.host, which knows case, ports and HTTP/2");
    }
    if (std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.name == lower; })) {
      value.Error("the header " + lower + " is tested twice");
    }
    out.push_back(LoadValueMatch(std::move(lower), value, context));
  }
}

void LoadPairs(const std::vector<std::pair<std::string, Value>>& entries, LoadContext& context,
               std::vector<ValueMatch>& out) {
  for (const auto& [name, value] : entries) {
    if (name.empty()) {
      value.Error("the name is empty");
    }
    out.push_back(LoadValueMatch(name, value, context));
  }
}

void LoadClientIp(Object& in, std::vector<Cidr>& out) {
  for (const Value& value : NotEmptyList(
           in, "client_ip",
           About("Addresses and blocks that the client is in, any of them.").Type("CIDR block"))) {
    const std::string text = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    Result<Cidr> block = ParseCidr(text);
    if (block) {
      out.push_back(*block);
    } else {
      value.Error(block.error().message);
    }
  }
  out.shrink_to_fit();
}

void LoadListeners(Object& in, LoadContext& context, std::vector<uint32_t>& out) {
  for (const Value& value :
       NotEmptyList(in, "listeners",
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
  LoadHosts(in, context, out.hosts);
  LoadPathMatch(in, context, out);
  Conditions conditions;
  LoadMethods(in, conditions.methods);
  LoadHeaders(in, context, conditions.headers);
  LoadPairs(
      in.Entries("query", "Query parameters by name, decoded, all of them: a value or a test."),
      context, conditions.query);
  LoadPairs(in.Entries("cookies", "Cookies by name, all of them: a value or a test."), context,
            conditions.cookies);
  LoadClientIp(in, conditions.client_ip);
  conditions.scheme = in.Enum<std::string_view>("scheme", {{"http", "http"}, {"https", "https"}},
                                                "", "Scheme that the client used.");
  LoadListeners(in, context, conditions.listeners);
  if (!conditions.empty()) {
    out.conditions = std::move(conditions);
  }
  return out;
}

}  // namespace gatehouse::route
