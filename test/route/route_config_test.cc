// SPDX-License-Identifier: Apache-2.0
// What a correct `routes:` section means.
#include "source/route/route_config.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <variant>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

namespace gatehouse::route {
namespace {

using std::chrono::seconds;

const Forward& ForwardOf(const LoadedRoutes& routes, size_t i = 0) {
  return std::get<Forward>(routes.at(i).action);
}

LoadedRoutes One(const std::string& text) { return LoadedRoutes("routes: [" + text + "]"); }

TEST(RouteConfig, AClusterAlone) {
  const LoadedRoutes routes = One("{cluster: orders}");
  EXPECT_EQ(routes.Errors(), "");
  EXPECT_EQ(routes.at(0).name, "routes[0]");
  const Forward& forward = ForwardOf(routes);
  ASSERT_EQ(forward.arms.size(), 1u);
  EXPECT_EQ(forward.arms[0].cluster, 1u);
  EXPECT_EQ(forward.arms[0].weight, 1u);
  EXPECT_TRUE(forward.arms[0].labels.empty());
  EXPECT_EQ(forward.total_weight, 1u);
  EXPECT_FALSE(forward.rewrite->changes_path());
  EXPECT_TRUE(forward.rewrite->headers.empty());
  EXPECT_EQ(routes.at(0).timeouts.response_headers, seconds(60));
  EXPECT_EQ(routes.at(0).timeouts.idle, seconds(60));
  EXPECT_EQ(routes.at(0).timeouts.total, seconds(0));
  EXPECT_EQ(routes.used_clusters(), (std::vector<bool>{false, true}));
}

TEST(RouteConfig, EveryPartOfAMatch) {
  const LoadedRoutes routes = One(R"({
    name: all,
    match: {
      hosts: [Api.example.com, "*.Example.ORG."], path_prefix: /users/, methods: [GET, PURGE],
      headers: {X-A: "1", x-b: {prefix: p}}, query: {q: {suffix: s}, debug: {present: false}},
      cookies: {c: {regex: "a+"}}, client_ip: [10.0.0.0/8, "::1"], scheme: https,
      listeners: [websecure, web, web]},
    cluster: users})");
  EXPECT_EQ(routes.Errors(), "");
  const RouteMatch& match = routes.at(0).match;
  EXPECT_EQ(match.hosts, (std::vector<std::string>{"api.example.com", "*.example.org"}));
  EXPECT_EQ(match.path_kind, PathKind::kPrefix);
  EXPECT_EQ(match.path, "/users");
  EXPECT_EQ(match.conditions->methods, (std::vector<std::string>{"GET", "PURGE"}));
  ASSERT_EQ(match.conditions->headers.size(), 2u);
  EXPECT_EQ(match.conditions->headers[0].name, "x-a");
  EXPECT_EQ(match.conditions->headers[0].kind, ValueMatch::Kind::kExact);
  EXPECT_EQ(match.conditions->headers[0].text, "1");
  EXPECT_EQ(match.conditions->headers[1].kind, ValueMatch::Kind::kPrefix);
  ASSERT_EQ(match.conditions->query.size(), 2u);
  EXPECT_EQ(match.conditions->query[0].kind, ValueMatch::Kind::kSuffix);
  EXPECT_EQ(match.conditions->query[1].kind, ValueMatch::Kind::kAbsent);
  ASSERT_EQ(match.conditions->cookies.size(), 1u);
  EXPECT_EQ(match.conditions->cookies[0].kind, ValueMatch::Kind::kRegex);
  EXPECT_EQ(match.conditions->client_ip.size(), 2u);
  EXPECT_EQ(match.conditions->scheme, "https");
  EXPECT_EQ(match.conditions->listeners, (std::vector<uint32_t>{0, 1}));
}

TEST(RouteConfig, EqualExpressionsAreCompiledOnce) {
  const LoadedRoutes routes(R"(
routes:
  - {match: {host: a, path_regex: "/a.*"}, cluster: users}
  - {match: {host: b, path_regex: "/a.*"}, cluster: users}
)");
  EXPECT_EQ(routes.Errors(), "");
  EXPECT_EQ(routes.at(0).match.path_regex, routes.at(1).match.path_regex);
}

TEST(RouteConfig, ASplitMergesTheLabelsOfItsRoute) {
  const LoadedRoutes routes = One(R"({
    labels: {zone: a, app: shop},
    split: [{cluster: users, labels: {version: v1}, weight: 90},
            {cluster: orders, labels: {version: v2, zone: a}, weight: 10},
            {cluster: users, weight: 0}]})");
  EXPECT_EQ(routes.Errors(), "");
  const Forward& forward = ForwardOf(routes);
  ASSERT_EQ(forward.arms.size(), 3u);
  EXPECT_EQ(forward.total_weight, 100u);
  const LabelSet first = {{"app", "shop"}, {"version", "v1"}, {"zone", "a"}};
  EXPECT_EQ(forward.arms[0].labels, first);
  const LabelSet second = {{"app", "shop"}, {"version", "v2"}, {"zone", "a"}};
  EXPECT_EQ(forward.arms[1].labels, second);
  EXPECT_EQ(routes.used_clusters(), (std::vector<bool>{true, true}));
}

TEST(RouteConfig, DrawsFallOnArmsByWeight) {
  const LoadedRoutes routes =
      One("{split: [{cluster: users, weight: 3}, {cluster: users, weight: 0}, {cluster: orders}]}");
  EXPECT_EQ(routes.Errors(), "");
  const Forward& forward = ForwardOf(routes);
  std::map<const Arm*, int> drawn;
  for (uint64_t draw = 0; draw < 400; ++draw) {
    ++drawn[&forward.ArmAt(draw)];
  }
  EXPECT_EQ(drawn[&forward.arms[0]], 300);
  EXPECT_EQ(drawn[&forward.arms[1]], 0);
  EXPECT_EQ(drawn[&forward.arms[2]], 100);
}

TEST(RouteConfig, Rewrite) {
  const LoadedRoutes routes = One(R"({
    match: {path_prefix: /api/users},
    rewrite: {strip_prefix: /api, prefix: /v2, host: "users.internal:8080",
              headers: {set: {X-Via: gatehouse}, add: {x-more: " a "}, remove: [x-internal]}},
    cluster: users})");
  EXPECT_EQ(routes.Errors(), "");
  const Forward& forward = ForwardOf(routes);
  EXPECT_EQ(forward.rewrite->strip_prefix, "/api");
  EXPECT_EQ(forward.rewrite->prefix, "/v2");
  EXPECT_EQ(forward.rewrite->host, "users.internal:8080");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(forward.rewrite->headers.set, (Fields{{"X-Via", "gatehouse"}}));
  EXPECT_EQ(forward.rewrite->headers.add, (Fields{{"x-more", "a"}}));
  EXPECT_EQ(forward.rewrite->headers.remove, (std::vector<std::string>{"x-internal"}));
  EXPECT_EQ(ForwardOf(One("{rewrite: {path: /all}, cluster: users}")).rewrite->path, "/all");
}

TEST(RouteConfig, Redirects) {
  const LoadedRoutes routes(R"(
routes:
  - {match: {path: /old}, redirect: {path: /new, status: 308}}
  - {match: {scheme: http, listeners: [web]}, redirect: {scheme: https}}
  - match: {path_prefix: /v1}
    redirect: {host: V2.Example.com, port: 8443, prefix: /v2, status: 301, strip_query: true}
)");
  EXPECT_EQ(routes.Errors(), "");
  const auto& first = *routes.at(0).redirect();
  EXPECT_EQ(first.path, "/new");
  EXPECT_EQ(first.status, 308);
  EXPECT_FALSE(first.strip_query);
  const auto& second = *routes.at(1).redirect();
  EXPECT_EQ(second.scheme, "https");
  EXPECT_EQ(second.status, 302);
  const auto& third = *routes.at(2).redirect();
  EXPECT_EQ(third.host, "v2.example.com");
  EXPECT_EQ(third.port, 8443);
  EXPECT_EQ(third.prefix, "/v2");
  EXPECT_EQ(third.status, 301);
  EXPECT_TRUE(third.strip_query);
}

TEST(RouteConfig, Responses) {
  const LoadedRoutes routes(R"(
routes:
  - {match: {path: /ping}, respond: {body: "pong\n"}}
  - {match: {path: /none}, respond: {status: 204}}
  - {match: {path: /gone}, respond: {status: 410, body: "{}", content_type: application/json,
                                     headers: {cache-control: no-store}}}
)");
  EXPECT_EQ(routes.Errors(), "");
  const auto& ping = *routes.at(0).respond();
  EXPECT_EQ(ping.status, 200);
  EXPECT_EQ(ping.body, "pong\n");
  EXPECT_EQ(ping.content_type, "text/plain; charset=utf-8");
  const auto& none = *routes.at(1).respond();
  EXPECT_EQ(none.status, 204);
  EXPECT_EQ(none.content_type, "");
  const auto& gone = *routes.at(2).respond();
  EXPECT_EQ(gone.content_type, "application/json");
  ASSERT_EQ(gone.headers.size(), 1u);
  EXPECT_EQ(gone.headers[0].second, "no-store");
}

TEST(RouteConfig, ABodyIsReadFromItsFile) {
  const std::string path = ::testing::TempDir() + "/body.html";
  std::ofstream(path) << "<p>down</p>";
  const LoadedRoutes routes =
      One("{respond: {status: 503, content_type: text/html, body_file: \"" + path + "\"}}");
  EXPECT_EQ(routes.Errors(), "");
  EXPECT_EQ(routes.at(0).respond()->body, "<p>down</p>");
  std::remove(path.c_str());
}

TEST(RouteConfig, TimeoutsAndFilters) {
  const LoadedRoutes routes = One(R"({
    timeouts: {response_headers: 3s, idle: 250ms, total: 1m}, cluster: users,
    filters: [jwt, {use: per_user, rate: 1/s}, {skip: access_log}]})");
  EXPECT_EQ(routes.Errors(), "");
  EXPECT_EQ(routes.at(0).timeouts.response_headers, seconds(3));
  EXPECT_EQ(routes.at(0).timeouts.idle, std::chrono::milliseconds(250));
  EXPECT_EQ(routes.at(0).timeouts.total, seconds(60));
  EXPECT_EQ(routes.filters(0), 3u);
  EXPECT_EQ(One("{timeouts: {idle: 0s}, cluster: users}").at(0).timeouts.idle, seconds(0));
}

TEST(RouteConfig, AnEmptySectionHasNoRoutes) {
  EXPECT_EQ(LoadedRoutes("routes: []").size(), 0u);
  EXPECT_EQ(LoadedRoutes("{}").size(), 0u);
}

TEST(RouteConfig, PositionsPointAtTheRoute) {
  const LoadedRoutes routes("routes:\n  - cluster: users\n  - {name: b, cluster: users}\n");
  EXPECT_EQ(routes.loaded(1).position.line, 3u);
  EXPECT_EQ(routes.loaded(1).position.column, 5u);
  EXPECT_EQ(routes.at(1).index, 1u);
}

}  // namespace
}  // namespace gatehouse::route
