// SPDX-License-Identifier: Apache-2.0
// Why a request is routed as it is, in words.
#include <string>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

namespace gatehouse::route {
namespace {

// "chosen" and then a line "name: why" for each near miss.
std::string Explained(const LoadedRoutes& routes, const Request& request, size_t max = 8) {
  const Explanation explanation = Explain(routes.table(), request.Facts(), max);
  std::string out = explanation.chosen == nullptr ? "none" : explanation.chosen->name;
  for (const Explanation::NearMiss& miss : explanation.near_misses) {
    out += "\n" + miss.route->name + ": " + miss.why;
  }
  return out;
}

// Why one route with that match does not take the request.
std::string WhyNot(const std::string& match, const Request& request) {
  const LoadedRoutes routes = Matching(match);
  std::string why;
  EXPECT_FALSE(MatchesLinearly(routes.at(0), request.Facts(), &why)) << routes.Errors();
  return why;
}

TEST(Explain, TheChoiceAndWhatCameNear) {
  const LoadedRoutes routes(R"(
routes:
  - {name: canary, match: {host: a.example, path_prefix: /users, headers: {x-release: canary}}, cluster: users}
  - {name: orders, match: {host: a.example, path_prefix: /orders}, cluster: orders}
  - {name: elsewhere, match: {host: b.example, path_prefix: /orders}, cluster: orders}
  - {name: posts, match: {path_prefix: /users, methods: [POST], query: {q: x}}, cluster: users}
  - {name: users, match: {path_prefix: /users}, cluster: users}
  - {name: later, match: {path_prefix: /}, cluster: users}
)");
  EXPECT_EQ(Explained(routes, Request("/users/7", "a.example")),
            "users\n"
            "canary: header x-release is absent, wanted \"canary\"\n"
            "posts: method GET, wanted POST; query parameter q is absent, wanted \"x\"\n"
            "orders: path /users/7 is not under /orders");
}

TEST(Explain, WithoutAChoiceAllRoutesMayBeNear) {
  const LoadedRoutes routes(R"(
routes:
  - {name: orders, match: {host: a.example, path_prefix: /orders}, cluster: orders}
  - {name: users, match: {host: a.example, path_prefix: /users}, cluster: users}
  - {name: other_host, match: {host: b.example, path_prefix: /usersx}, cluster: users}
)");
  EXPECT_EQ(Explained(routes, Request("/usersx", "a.example")),
            "none\n"
            "other_host: host a.example, wanted b.example\n"
            "users: path /usersx is not under /users (prefixes match whole segments)\n"
            "orders: path /usersx is not under /orders");
}

TEST(Explain, NearMissesAreBounded) {
  std::string text = "routes:\n";
  for (int i = 0; i < 50; ++i) {
    text += "  - {match: {path: /a" + std::to_string(i) + "}, cluster: users}\n";
  }
  const LoadedRoutes routes(text);
  const Request request("/a49x");
  const Explanation explanation = Explain(routes.table(), request.Facts(), 2);
  ASSERT_EQ(explanation.near_misses.size(), 2u);
  EXPECT_EQ(explanation.near_misses[0].route->match.path, "/a49");
}

TEST(Explain, Hosts) {
  EXPECT_EQ(WhyNot("{hosts: [a, b, c]}", Request("/", "x")), "host x, wanted a, b or c");
  EXPECT_EQ(WhyNot("{host: '*.example.org'}", Request("/", "example.org")),
            "host example.org, wanted *.example.org (the star stands for one or more labels)");
  EXPECT_EQ(WhyNot("{host: a}", Request("/", "")), "the request has no host, wanted a");
}

TEST(Explain, Paths) {
  EXPECT_EQ(WhyNot("{path: /a}", Request("/b")), "path /b, wanted exactly /a");
  EXPECT_EQ(WhyNot("{path: /a}", Request("/a/")),
            "path /a/, wanted exactly /a (a slash at the end counts)");
  EXPECT_EQ(WhyNot("{path: /a/}", Request("/a")),
            "path /a, wanted exactly /a/ (a slash at the end counts)");
  EXPECT_EQ(WhyNot("{path: /a}", Request("/A")), "path /A, wanted exactly /a (case counts)");
  EXPECT_EQ(WhyNot("{path_prefix: /Users}", Request("/users/7")),
            "path /users/7 is not under /Users (case counts)");
  EXPECT_EQ(WhyNot("{path_regex: '/[0-9]+'}", Request("/a")),
            "path /a does not match the regex /[0-9]+");
}

TEST(Explain, Methods) {
  EXPECT_EQ(WhyNot("{methods: [GET]}", Request("/").Method("POST")), "method POST, wanted GET");
  EXPECT_EQ(WhyNot("{methods: [GET]}", Request("/").Method("get")),
            "method get, wanted GET (case counts)");
}

TEST(Explain, Values) {
  const auto header = [](const char* test) {
    return WhyNot("{headers: {x-a: " + std::string(test) + "}}",
                  Request("/").Header("x-a", "Canary"));
  };
  EXPECT_EQ(header("stable"), "header x-a is \"Canary\", wanted \"stable\"");
  EXPECT_EQ(header("canary"), "header x-a is \"Canary\", wanted \"canary\" (case counts)");
  EXPECT_EQ(header("{prefix: x}"),
            "header x-a is \"Canary\", wanted a value that begins with \"x\"");
  EXPECT_EQ(header("{suffix: x}"), "header x-a is \"Canary\", wanted a value that ends with \"x\"");
  EXPECT_EQ(header("{contains: x}"),
            "header x-a is \"Canary\", wanted a value that contains \"x\"");
  EXPECT_EQ(header("{regex: 'x+'}"), "header x-a is \"Canary\", wanted a match of the regex x+");
  EXPECT_EQ(header("{present: false}"), "header x-a is \"Canary\", wanted none");
  EXPECT_EQ(WhyNot("{headers: {x-a: {present: true}}}", Request("/")),
            "header x-a is absent, wanted any value");
  EXPECT_EQ(WhyNot("{query: {q: b}}", Request("/?q=%41&q=c")),
            "query parameter q is \"A\" (and 1 more), wanted \"b\"");
  EXPECT_EQ(WhyNot("{cookies: {c: d}}", Request("/").Header("cookie", "c=e")),
            "cookie c is \"e\", wanted \"d\"");
}

TEST(Explain, Origins) {
  EXPECT_EQ(WhyNot("{client_ip: [10.0.0.0/8]}", Request("/")),
            "client 192.0.2.1 is in none of client_ip");
  EXPECT_EQ(WhyNot("{scheme: https}", Request("/")), "scheme http, wanted https");
  EXPECT_EQ(WhyNot("{listeners: [websecure]}", Request("/")),
            "the request came to a listener that is not in listeners");
}

}  // namespace
}  // namespace gatehouse::route
