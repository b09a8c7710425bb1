// SPDX-License-Identifier: Apache-2.0
// What a match asks for beyond host and path.
#include <string>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

namespace gatehouse::route {
namespace {

bool Matches(const LoadedRoutes& routes, const Request& request) {
  EXPECT_EQ(routes.Errors(), "");
  std::string why;
  const bool linearly = MatchesLinearly(routes.at(0), request.Facts(), &why);
  const bool indexed = routes.Match(request) == "r";
  EXPECT_EQ(linearly, indexed);
  EXPECT_EQ(why.empty(), linearly);
  return indexed;
}
bool MatchesQuery(const char* match, const char* query) {
  return Matches(Matching(match), Request(std::string("/?") + query));
}
bool MatchesCookie(const char* match, const char* line) {
  return Matches(Matching(match), Request("/").Header("Cookie", line));
}
bool MatchesHeader(const char* match, const char* value) {
  return Matches(Matching(match), Request("/").Header("X-Release", value));
}

TEST(Conditions, Methods) {
  const LoadedRoutes routes = Matching("{methods: [GET, POST]}");
  EXPECT_TRUE(Matches(routes, Request("/")));
  EXPECT_TRUE(Matches(routes, Request("/").Method("POST")));
  EXPECT_FALSE(Matches(routes, Request("/").Method("HEAD")));
  EXPECT_FALSE(Matches(routes, Request("/").Method("get")));
  EXPECT_TRUE(Matches(Matching("{methods: [PROPFIND]}"), Request("/").Method("PROPFIND")));
}

TEST(Conditions, HeaderValues) {
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: canary}}", "canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: canary}}", "Canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: canary}}", "canary2"));
  EXPECT_TRUE(MatchesHeader("{headers: {X-RELEASE: {prefix: can}}}", "canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: {prefix: an}}}", "canary"));
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: {suffix: ary}}}", "canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: {suffix: can}}}", "canary"));
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: {contains: nar}}}", "canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: {contains: x}}}", "canary"));
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: {regex: 'c.*y'}}}", "canary"));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: {regex: 'c.*r'}}}", "canary"));
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: {regex: '.*'}}}", "\xff\xfe"));
}

TEST(Conditions, HeaderPresence) {
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: {present: true}}}", ""));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: {present: false}}}", ""));
  EXPECT_FALSE(Matches(Matching("{headers: {x-release: {present: true}}}"), Request("/")));
  EXPECT_TRUE(Matches(Matching("{headers: {x-release: {present: false}}}"), Request("/")));
  EXPECT_FALSE(Matches(Matching("{headers: {x-release: ''}}"), Request("/")));
  EXPECT_TRUE(MatchesHeader("{headers: {x-release: ''}}", ""));
}

TEST(Conditions, AnyLineOfAHeaderMayHoldTheValue) {
  const LoadedRoutes routes = Matching("{headers: {x-release: canary}}");
  Request request("/");
  request.Header("x-release", "stable").Header("X-Release", "canary");
  EXPECT_TRUE(Matches(routes, request));
  EXPECT_FALSE(MatchesHeader("{headers: {x-release: canary}}", "stable, canary"));
}

TEST(Conditions, AllHeadersMustHold) {
  const LoadedRoutes routes = Matching("{headers: {a: '1', b: '2'}}");
  EXPECT_TRUE(Matches(routes, Request("/").Header("b", "2").Header("a", "1")));
  EXPECT_FALSE(Matches(routes, Request("/").Header("a", "1")));
}

TEST(Conditions, QueryValuesAreDecoded) {
  EXPECT_TRUE(MatchesQuery("{query: {q: a b}}", "q=a+b"));
  EXPECT_TRUE(MatchesQuery("{query: {q: a b}}", "q=a%20b"));
  EXPECT_TRUE(MatchesQuery("{query: {q: a+b}}", "q=a%2Bb"));
  EXPECT_TRUE(MatchesQuery("{query: {q: a&b=c}}", "x=y&q=a%26b%3dc"));
  EXPECT_TRUE(MatchesQuery("{query: {q: '100%'}}", "q=100%"));
  EXPECT_TRUE(MatchesQuery("{query: {q: '%zz'}}", "q=%zz"));
  EXPECT_TRUE(MatchesQuery("{query: {q: a=b}}", "q=a=b"));
  EXPECT_FALSE(MatchesQuery("{query: {q: a}}", "q=A"));
  EXPECT_TRUE(MatchesQuery("{query: {q: {regex: 'a.b'}}}", "q=a%0Ab"));
}

TEST(Conditions, QueryNamesAreDecoded) {
  EXPECT_FALSE(MatchesQuery("{query: {debug: {present: false}}}", "de%62ug=1"));
  EXPECT_FALSE(MatchesQuery("{query: {debug: {present: false}}}", "debug"));
  EXPECT_FALSE(MatchesQuery("{query: {debug: {present: false}}}", "a=b&debug="));
  EXPECT_TRUE(MatchesQuery("{query: {debug: {present: false}}}", "xdebug=1&debugx=1&debu=g"));
  EXPECT_TRUE(MatchesQuery("{query: {debug: {present: false}}}", ""));
  EXPECT_TRUE(MatchesQuery("{query: {'a b': c}}", "a+b=c"));
}

TEST(Conditions, AnyOccurrenceOfAQueryParameterMayHoldTheValue) {
  EXPECT_TRUE(MatchesQuery("{query: {q: b}}", "q=a&q=b"));
  EXPECT_TRUE(MatchesQuery("{query: {q: ''}}", "q"));
  EXPECT_TRUE(MatchesQuery("{query: {q: ''}}", "&&q&"));
  EXPECT_FALSE(MatchesQuery("{query: {q: a}}", "Q=a"));
}

TEST(Conditions, LongEncodedQueryValuesAreDecodedInFull) {
  const std::string encoded(5000, '+');
  const LoadedRoutes routes = Matching("{query: {q: {regex: ' *end'}, r: {suffix: ' '}}}");
  EXPECT_TRUE(Matches(routes, Request("/?q=" + encoded + "end&r=" + encoded)));
  EXPECT_FALSE(Matches(routes, Request("/?q=" + encoded + "x&r=" + encoded)));
}

TEST(Conditions, Cookies) {
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: '1'}}", "beta=1"));
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: '1'}}", "a=b; beta=1; c=d"));
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: '1'}}", "a=b;beta=1"));
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: '1'}}", "beta=\"1\""));
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: '1'}}", "beta=0; beta=1"));
  EXPECT_TRUE(MatchesCookie("{cookies: {beta: a=b}}", "beta=a=b"));
  EXPECT_FALSE(MatchesCookie("{cookies: {beta: '1'}}", "Beta=1"));
  EXPECT_FALSE(MatchesCookie("{cookies: {beta: '1'}}", "xbeta=1"));
  EXPECT_FALSE(MatchesCookie("{cookies: {beta: {present: true}}}", "beta"));
  EXPECT_FALSE(MatchesCookie("{cookies: {beta: {present: false}}}", "a=b; beta="));
}

TEST(Conditions, CookiesOfAllLinesCount) {
  Request request("/");
  request.Header("cookie", "a=b").Header("cookie", "beta=1");
  EXPECT_TRUE(Matches(Matching("{cookies: {a: b, beta: '1'}}"), request));
}

TEST(Conditions, ClientAddresses) {
  const LoadedRoutes routes = Matching(R"({client_ip: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7]})");
  EXPECT_TRUE(Matches(routes, Request("/").Client("10.1.2.3")));
  EXPECT_TRUE(Matches(routes, Request("/").Client("2001:db8::5")));
  EXPECT_TRUE(Matches(routes, Request("/").Client("192.0.2.7")));
  EXPECT_FALSE(Matches(routes, Request("/").Client("192.0.2.8")));
  EXPECT_FALSE(Matches(routes, Request("/").Client("2001:db9::5")));
}

TEST(Conditions, SchemeAndListener) {
  EXPECT_TRUE(Matches(Matching("{scheme: https}"), Request("/").Scheme("https")));
  EXPECT_FALSE(Matches(Matching("{scheme: https}"), Request("/")));
  EXPECT_TRUE(Matches(Matching("{listeners: [websecure]}"), Request("/").Listener(1)));
  EXPECT_FALSE(Matches(Matching("{listeners: [websecure]}"), Request("/").Listener(0)));
}

}  // namespace
}  // namespace gatehouse::route
