// SPDX-License-Identifier: Apache-2.0
// Warnings about routes that never get a request.
#include "source/route/shadow.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

namespace gatehouse::route {
namespace {

// Whether the second route is reported, given the matches of both.
bool Shadows(const std::string& earlier, const std::string& later) {
  const LoadedRoutes routes("routes: [{match: " + earlier + ", cluster: users}, {match: " + later +
                            ", cluster: users}]");
  EXPECT_EQ(routes.Errors().find("error"), std::string::npos) << routes.Errors();
  return routes.Errors().find("routes[1]: never gets a request") != std::string::npos;
}

TEST(Shadow, SaysWhichRouteTakesIt) {
  const LoadedRoutes routes(R"(
routes:
  - {name: all, match: {path_prefix: /}, cluster: users}
  - {name: users, match: {path_prefix: /users}, cluster: users}
)");
  EXPECT_EQ(routes.Errors(),
            "f.yaml:4:5: warning: routes[1]: never gets a request: all (f.yaml:3:5) comes before "
            "it and takes all it would match\n");
}

TEST(Shadow, SeveralRoutesMayTakeItTogether) {
  const LoadedRoutes routes(R"(
routes:
  - {name: a, match: {host: a.example}, cluster: users}
  - {name: b, match: {host: "*.b.example"}, cluster: users}
  - {name: ab, match: {hosts: [a.example, x.b.example]}, cluster: users}
)");
  EXPECT_EQ(routes.Errors(),
            "f.yaml:5:5: warning: routes[2]: never gets a request: a (f.yaml:3:5), b (f.yaml:4:5) "
            "come before it and take all it would match\n");
}

TEST(Shadow, Hosts) {
  EXPECT_TRUE(Shadows("{}", "{host: a}"));
  EXPECT_TRUE(Shadows("{host: a}", "{host: a, path: /x}"));
  EXPECT_TRUE(Shadows("{host: '*.b'}", "{host: a.b}"));
  EXPECT_TRUE(Shadows("{host: '*.b'}", "{host: '*.a.b'}"));
  EXPECT_TRUE(Shadows("{host: '*.b'}", "{host: '*.b'}"));
  EXPECT_FALSE(Shadows("{host: '*.a.b'}", "{host: '*.b'}"));
  EXPECT_FALSE(Shadows("{host: '*.b'}", "{host: b}"));
  EXPECT_FALSE(Shadows("{host: a}", "{}"));
  EXPECT_FALSE(Shadows("{host: a}", "{hosts: [a, b]}"));
  EXPECT_FALSE(Shadows("{host: a}", "{host: '*.a'}"));
}

TEST(Shadow, Paths) {
  EXPECT_TRUE(Shadows("{path_prefix: /a}", "{path_prefix: /a/b}"));
  EXPECT_TRUE(Shadows("{path_prefix: /a}", "{path: /a}"));
  EXPECT_TRUE(Shadows("{path_prefix: /a}", "{path_regex: '/a/[0-9]+'}"));
  EXPECT_TRUE(Shadows("{path_regex: '/[0-9]+'}", "{path_regex: '/[0-9]+'}"));
  EXPECT_TRUE(Shadows("{path: /a}", "{path: /a}"));
  EXPECT_TRUE(Shadows("{path_prefix: /}", "{}"));
  EXPECT_FALSE(Shadows("{path: /a}", "{path_prefix: /a}"));
  EXPECT_FALSE(Shadows("{path_prefix: /a}", "{path_prefix: /ab}"));
  EXPECT_FALSE(Shadows("{path_prefix: /a}", "{path_regex: '/a.*'}"));
  EXPECT_FALSE(Shadows("{path_prefix: /a}", "{path_prefix: /}"));
}

TEST(Shadow, Conditions) {
  EXPECT_TRUE(Shadows("{methods: [GET, POST]}", "{methods: [GET], path: /a}"));
  EXPECT_TRUE(Shadows("{headers: {a: b}}", "{headers: {a: b, c: d}}"));
  EXPECT_TRUE(Shadows("{headers: {a: {present: true}}}", "{headers: {a: b}}"));
  EXPECT_TRUE(Shadows("{client_ip: [10.0.0.0/8]}", "{client_ip: [10.1.0.0/16]}"));
  EXPECT_TRUE(Shadows("{scheme: http}", "{scheme: http, query: {a: b}}"));
  EXPECT_TRUE(Shadows("{listeners: [web, websecure]}", "{listeners: [web]}"));
  EXPECT_FALSE(Shadows("{methods: [GET]}", "{methods: [GET, POST]}"));
  EXPECT_FALSE(Shadows("{methods: [GET]}", "{}"));
  EXPECT_FALSE(Shadows("{headers: {a: b}}", "{headers: {a: c}}"));
  EXPECT_FALSE(Shadows("{headers: {a: b}}", "{headers: {a: {prefix: b}}}"));
  EXPECT_FALSE(Shadows("{headers: {a: {present: true}}}", "{headers: {a: {present: false}}}"));
  EXPECT_FALSE(Shadows("{query: {a: b}}", "{cookies: {a: b}}"));
  EXPECT_FALSE(Shadows("{client_ip: [10.1.0.0/16]}", "{client_ip: [10.0.0.0/8]}"));
  EXPECT_FALSE(Shadows("{scheme: http}", "{scheme: https}"));
  EXPECT_FALSE(Shadows("{listeners: [web]}", "{}"));
}

TEST(Shadow, WarningsAreBounded) {
  std::string text = "routes:\n  - cluster: users\n";
  for (int i = 0; i < 150; ++i) {
    text += "  - {match: {path: /" + std::to_string(i) + "}, cluster: users}\n";
  }
  const LoadedRoutes routes(text);
  EXPECT_EQ(std::count(routes.Errors().begin(), routes.Errors().end(), '\n'), 101);
  EXPECT_NE(routes.Errors().find("routes[101]: 50 routes from here on never get a request either"),
            std::string::npos);
}

// Every route is compared with some before it, not with all: this would take minutes otherwise.
TEST(Shadow, ManyRoutesThatShareHostAndPathLoadInTime) {
  std::vector<std::shared_ptr<const Route>> routes;
  for (int i = 0; i < 20'000; ++i) {
    auto route = std::make_shared<Route>();
    ValueMatch header;
    header.name = "x-tenant";
    header.text = std::to_string(i);
    route->match.conditions.Edit().headers.assign(3, header);
    routes.push_back(std::move(route));
  }
  EXPECT_TRUE(FindShadowed(routes).empty());
}

}  // namespace
}  // namespace gatehouse::route
