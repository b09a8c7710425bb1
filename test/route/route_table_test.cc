// SPDX-License-Identifier: Apache-2.0
// Hosts, paths and the order of routes.
#include "source/route/route_table.h"

#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

#ifndef GATEHOUSE_SANITIZED  // Sanitizers have allocators of their own.
namespace {

size_t allocations = 0;

}  // namespace

// Counted to prove that a match makes none.
void* operator new(size_t bytes) {
  ++allocations;
  void* out = std::malloc(bytes);
  if (out == nullptr) {
    std::abort();
  }
  return out;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
#endif

namespace gatehouse::route {
namespace {

TEST(RouteTable, AnEmptyTableMatchesNothing) {
  const RouteTable table({});
  EXPECT_EQ(table.Match(Request("/").Facts()), nullptr);
}

TEST(RouteTable, PrefixesMatchWholeSegments) {
  const LoadedRoutes users = Matching("{path_prefix: /users}");
  EXPECT_EQ(users.Errors(), "");
  for (const char* path : {"/users", "/users/", "/users/7", "/users/7/a", "/users?x=/no"}) {
    EXPECT_EQ(users.Match(path), "r") << path;
  }
  for (const char* path : {"/usersx", "/user", "/", "/a/users", "/Users", "*"}) {
    EXPECT_EQ(users.Match(path), "none") << path;
  }
}

TEST(RouteTable, ASlashAtTheEndOfAPrefixDoesNotCount) {
  const LoadedRoutes users = Matching("{path_prefix: /users/}");
  EXPECT_EQ(users.Errors(), "");
  EXPECT_EQ(users.at(0).match.path, "/users");
  EXPECT_EQ(users.Match("/users"), "r");
  EXPECT_EQ(users.Match("/users/"), "r");
  EXPECT_EQ(users.Match("/usersx"), "none");
}

TEST(RouteTable, TheRootPrefixMatchesAll) {
  const LoadedRoutes all = Matching("{path_prefix: /}");
  for (const char* path : {"/", "/a", "/a/b/", "*"}) {
    EXPECT_EQ(all.Match(path), "r") << path;
  }
}

TEST(RouteTable, ExactPathsMatchThemselvesOnly) {
  const LoadedRoutes one = Matching("{path: /a/b}");
  EXPECT_EQ(one.Match("/a/b"), "r");
  EXPECT_EQ(one.Match("/a/b?c=d"), "r");
  for (const char* path : {"/a/b/", "/a", "/a/b/c", "/a/bb", "/A/b"}) {
    EXPECT_EQ(one.Match(path), "none") << path;
  }
  EXPECT_EQ(Matching("{path: /}").Match("/"), "r");
  EXPECT_EQ(Matching("{path: /}").Match("/a"), "none");
  EXPECT_EQ(Matching("{path: /a/}").Match("/a/"), "r");
  EXPECT_EQ(Matching("{path: /a/}").Match("/a"), "none");
}

TEST(RouteTable, ExpressionsMatchTheWholePath) {
  const LoadedRoutes ids = Matching("{path_regex: '/users/[0-9]+(/.*)?'}");
  EXPECT_EQ(ids.Errors(), "");
  EXPECT_EQ(ids.Match("/users/7"), "r");
  EXPECT_EQ(ids.Match("/users/7/posts"), "r");
  EXPECT_EQ(ids.Match("/users/me"), "none");
  EXPECT_EQ(ids.Match("/a/users/7"), "none");
  EXPECT_EQ(Matching("{path_regex: '/(a|b)'}").Match("/b"), "r");
  EXPECT_EQ(Matching("{path_regex: '/a|/b'}").Match("/b"), "r");
  EXPECT_EQ(Matching("{path_regex: '.*\\.png'}").Match("/img/a.png"), "r");
}

TEST(RouteTable, AnExpressionsDotIsAnyByte) {
  EXPECT_EQ(Matching("{path_regex: '/a.*'}").Match("/a\xff/b"), "r");
}

TEST(RouteTable, HostsAreMatchedWhateverCaseAndTrailingDotTheConfigurationHas) {
  const LoadedRoutes api = Matching("{host: API.Example.Com.}");
  EXPECT_EQ(api.Errors(), "");
  EXPECT_EQ(api.Match("/", "api.example.com"), "r");
  EXPECT_EQ(api.Match("/", "example.com"), "none");
  EXPECT_EQ(api.Match("/", "a.api.example.com"), "none");
  EXPECT_EQ(api.Match("/", ""), "none");
}

TEST(RouteTable, AWildcardStandsForOneOrMoreLabels) {
  const LoadedRoutes below = Matching(R"({host: "*.example.org"})");
  EXPECT_EQ(below.Errors(), "");
  EXPECT_EQ(below.Match("/", "a.example.org"), "r");
  EXPECT_EQ(below.Match("/", "a.b.example.org"), "r");
  EXPECT_EQ(below.Match("/", "example.org"), "none");
  EXPECT_EQ(below.Match("/", ".example.org"), "none");
  EXPECT_EQ(below.Match("/", "badexample.org"), "none");
  EXPECT_EQ(below.Match("/", "a.example.org.evil"), "none");
}

TEST(RouteTable, AStarAloneIsAnyHost) {
  const LoadedRoutes any = Matching(R"({hosts: ["*", a.example]})");
  EXPECT_EQ(any.Errors(), "");
  EXPECT_TRUE(any.at(0).match.hosts.empty());
  EXPECT_EQ(any.Match("/", ""), "r");
  EXPECT_EQ(any.Match("/", "b"), "r");
}

TEST(RouteTable, AddressesAreHostsToo) {
  EXPECT_EQ(Matching("{host: 10.0.0.1}").Match("/", "10.0.0.1"), "r");
  const LoadedRoutes v6 = Matching(R"({host: "[2001:DB8::1]"})");
  EXPECT_EQ(v6.Errors(), "");
  Request request("/");
  request.head().host = "[2001:db8::1]";
  EXPECT_EQ(v6.Match(request), "r");
}

TEST(RouteTable, TheEarliestDeclaredWinsWhicheverPartOfTheIndexItIsIn) {
  const LoadedRoutes routes(R"(
routes:
  - {name: exact_path, match: {path: /a/b}, respond: {}}
  - {name: any_host_prefix, match: {path_prefix: /a}, respond: {}}
  - {name: exact_host, match: {host: x.example.org}, respond: {}}
  - {name: wildcard, match: {host: "*.example.org", path_prefix: /a}, respond: {}}
  - {name: deeper_wildcard, match: {host: "*.x.example.org"}, respond: {}}
  - {name: regex, match: {path_regex: "/[a-z]+"}, respond: {}}
  - {name: rest, respond: {}}
)");
  EXPECT_EQ(routes.Match("/a/b", "x.example.org"), "exact_path");
  EXPECT_EQ(routes.Match("/a/c", "x.example.org"), "any_host_prefix");
  EXPECT_EQ(routes.Match("/b", "x.example.org"), "exact_host");
  EXPECT_EQ(routes.Match("/b", "y.x.example.org"), "deeper_wildcard");
  EXPECT_EQ(routes.Match("/b", "y.example.org"), "regex");
  EXPECT_EQ(routes.Match("/7", "y.example.org"), "rest");
}

TEST(RouteTable, ARouteThatFailsItsConditionsLeavesTheRequestToLaterOnes) {
  const LoadedRoutes routes(R"(
routes:
  - {name: canary, match: {host: a, path_prefix: /u, headers: {x-release: canary}}, respond: {}}
  - {name: users, match: {host: a, path_prefix: /u}, respond: {}}
)");
  EXPECT_EQ(routes.Match("/u", "a"), "users");
  EXPECT_EQ(routes.Match(Request("/u", "a").Header("X-Release", "canary")), "canary");
}

TEST(RouteTable, LongTargetsAreWalkedNoFurtherThanRoutesGo) {
  std::string path;
  for (int i = 0; i < 30'000; ++i) {
    path += "/a";
  }
  EXPECT_EQ(Matching("{path_prefix: /a/a}").Match(path), "r");
  std::string host;
  for (int i = 0; i < 30'000; ++i) {
    host += "a.";
  }
  host += "example.org";
  EXPECT_EQ(Matching(R"({host: "*.a.example.org"})").Match("/", host), "r");
}

#ifndef GATEHOUSE_SANITIZED
TEST(RouteTable, AMatchAllocatesNothing) {
  const LoadedRoutes routes(R"(
routes:
  - {match: {host: a.b, path_prefix: /u/v, headers: {x-a: {prefix: b}}}, respond: {}}
  - {match: {host: "*.b", query: {q: "a b"}, cookies: {c: d}}, respond: {}}
  - {name: ids, match: {path_regex: "/u/[a-z]+", client_ip: [192.0.2.0/24]}, respond: {}}
)");
  ASSERT_EQ(routes.Errors(), "");
  Request request("/u/v?q=%41", "a.b");
  request.Header("x-a", "a").Header("cookie", "c=e; f=g");
  const RequestFacts facts = request.Facts();
  ASSERT_EQ(routes.table().Match(facts), &routes.at(2));  // RE2 builds its automaton once.
  const size_t before = allocations;
  const Route* found = routes.table().Match(facts);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(found, &routes.at(2));
}
#endif

}  // namespace
}  // namespace gatehouse::route
