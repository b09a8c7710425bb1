// SPDX-License-Identifier: Apache-2.0
// Each mistake in a `routes:` section with the line that reports it.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "test/route/loaded_routes.h"

namespace gatehouse::route {
namespace {

// What is said about one route, each line without its place.
std::string Said(const std::string& route) {
  const LoadedRoutes routes("routes: [" + route + "]");
  std::string out;
  std::string_view left = routes.Errors();
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    const size_t place_end = line.find(": ");
    out += std::string(out.empty() ? "" : "\n") + std::string(line.substr(place_end + 2));
  }
  return out;
}
std::string SaidOfMatch(const std::string& match) {
  return Said("{match: " + match + ", cluster: users}");
}
std::string SaidOfForward(const std::string& keys) { return Said("{" + keys + "}"); }
std::string SaidOfRedirect(const std::string& redirect) {
  return Said("{match: {path_prefix: /a}, redirect: " + redirect + "}");
}
std::string SaidOfRespond(const std::string& respond) { return Said("{respond: " + respond + "}"); }

TEST(RouteErrors, Positions) {
  EXPECT_EQ(LoadedRoutes("routes:\n  - name: a\n    cluster: user\n").Errors(),
            "f.yaml:3:14: routes[0].cluster: unknown cluster \"user\" (did you mean \"users\"?)\n");
}

TEST(RouteErrors, Actions) {
  EXPECT_EQ(Said("{name: a}"),
            "routes[0]: the route does nothing: it needs one of cluster, split, redirect, respond");
  EXPECT_EQ(
      Said("{cluster: users, respond: {}}"),
      "routes[0].respond: can't stand beside \"cluster\": a route has exactly one of cluster, "
      "split, redirect, respond");
  EXPECT_EQ(Said("{match: {path: /a}, redirect: {path: /b}, labels: {a: b}}"),
            "routes[0].labels: belongs to routes with cluster or split, this one has redirect");
  EXPECT_EQ(Said("{respond: {}, rewrite: {path: /b}}"),
            "routes[0].rewrite: belongs to routes with cluster or split, this one has respond");
  EXPECT_EQ(Said("{respon: {}, cluster: users}"),
            "routes[0].respon: unknown key (did you mean \"respond\"?)");
  EXPECT_EQ(Said("{cluster: }"), "routes[0].cluster: has no value");
  EXPECT_EQ(Said("{cluster: ''}"), "routes[0].cluster: needs the name of a cluster");
  EXPECT_EQ(Said("a"), "routes[0]: expected a mapping, got \"a\"");
}

TEST(RouteErrors, PlannedKeys) {
  for (const char* key : {"selectors", "label_match", "no_match", "no_selector", "retry"}) {
    EXPECT_EQ(Said("{cluster: users, " + std::string(key) + ": x}"),
              "routes[0]." + std::string(key) + ": not supported yet");
  }
  EXPECT_EQ(Said("{split: [{cluster: users, sticky: {cookie: a}}]}"),
            "routes[0].split[0].sticky: not supported yet");
}

TEST(RouteErrors, Names) {
  EXPECT_EQ(LoadedRoutes("routes:\n  - {name: a, match: {host: a}, cluster: users}\n"
                         "  - {name: a, match: {host: b}, cluster: users}\n")
                .Errors(),
            "f.yaml:3:12: routes[1].name: the name \"a\" is taken by the route at f.yaml:2:12\n");
  EXPECT_EQ(Said("{name: '', cluster: users}"),
            "routes[0].name: a name is not empty and has no spaces or control characters");
  EXPECT_EQ(Said("{name: 'routes[7]', cluster: users}"),
            "routes[0].name: names like \"routes[0]\" are those of routes without a name");
  EXPECT_EQ(Said("{name: 'a b', cluster: users}"),
            "routes[0].name: a name is not empty and has no spaces or control characters");
}

TEST(RouteErrors, Hosts) {
  const auto said = [](const char* host) {
    return SaidOfMatch("{host: " + std::string(host) + "}");
  };
  const std::string at = "routes[0].match.host: ";
  EXPECT_EQ(said("'a.b:80'"),
            at + "is matched whatever the port: leave the port out (did you mean \"a.b\"?)");
  EXPECT_EQ(said("'[::1]:80'"),
            at + "is matched whatever the port: leave the port out (did you mean \"[::1]\"?)");
  EXPECT_EQ(said("'::1'"), at + "IPv6 addresses stand in brackets (did you mean \"[::1]\"?)");
  EXPECT_EQ(said("https://a.b/c"), at + "is a URL, not a host (did you mean \"a.b\"?)");
  const std::string star =
      at + "\"*\" can only stand for whole labels at the front, as in *.example.org";
  EXPECT_EQ(said("'*a.b'"), star);
  EXPECT_EQ(said("a.*.b"), star);
  EXPECT_EQ(said("'*.*.b'"), star);
  EXPECT_EQ(said("b\xc3\xbc"
                 "cher.example"),
            at + "is not ASCII: write the host as DNS does, xn--...");
  EXPECT_EQ(said("''"), at + "is not a host");
  EXPECT_EQ(said("'*.'"), at + "is not a host");
  EXPECT_EQ(said("'a b'"), at + "is not a host");
  EXPECT_EQ(SaidOfMatch("{host: a, hosts: [b]}"),
            "routes[0].match.hosts: can't stand beside \"host\"");
  EXPECT_EQ(SaidOfMatch("{hosts: []}"),
            "routes[0].match.hosts: is empty; leave it out to match all");
  EXPECT_EQ(SaidOfMatch("{hosts: [a, A]}"),
            "warning: routes[0].match.hosts[1]: the host a is listed twice");
}

TEST(RouteErrors, Paths) {
  const auto said = [](const char* path) {
    return SaidOfMatch("{path: " + std::string(path) + "}");
  };
  const std::string at = "routes[0].match.path: ";
  const std::string normal = at + "is not in normal form, in which requests are matched ";
  EXPECT_EQ(said("users"), at + "must begin with \"/\" (did you mean \"/users\"?)");
  EXPECT_EQ(said("/a/../b"), normal + "(did you mean \"/b\"?)");
  EXPECT_EQ(said("/a/./b"), normal + "(did you mean \"/a/b\"?)");
  EXPECT_EQ(said("/%61"), normal + "(did you mean \"/a\"?)");
  EXPECT_EQ(said("/%e2"), normal + "(did you mean \"/%E2\"?)");
  EXPECT_EQ(said("'/a b'"), normal + "(did you mean \"/a%20b\"?)");
  EXPECT_EQ(said("/\xc3\xa9"), normal + "(did you mean \"/%C3%A9\"?)");
  EXPECT_EQ(said("'/a?b=c'"), at + "is a path and can't hold a query (did you mean \"/a\"?)");
  EXPECT_EQ(said("'/a#b'"), at + "is a path and can't hold a fragment (did you mean \"/a\"?)");
  EXPECT_EQ(said("/a//b"),
            "warning: " + at + "matches only where a listener has path.merge_slashes: false");
  EXPECT_EQ(said("/a%2Fb"),
            "warning: " + at + "matches only where a listener has path.encoded_slash: keep");
  EXPECT_EQ(said("/a/*"), "warning: " + at +
                              "\"*\" stands for itself in a path (did you mean \"path_prefix: "
                              "/a\"?)");
  EXPECT_EQ(SaidOfMatch("{path: /a, path_prefix: /b}"),
            "routes[0].match.path_prefix: can't stand beside \"path\": a match has at most one of "
            "path, path_prefix, path_regex");
}

TEST(RouteErrors, Expressions) {
  EXPECT_EQ(SaidOfMatch("{path_regex: '/a(b'}"),
            "routes[0].match.path_regex: the regular expression is wrong: missing ): /a(b at "
            "character 1");
  EXPECT_EQ(SaidOfMatch("{path_regex: '/a[z-a]'}"),
            "routes[0].match.path_regex: the regular expression is wrong: invalid character class "
            "range: z-a at character 4");
  EXPECT_EQ(SaidOfMatch("{headers: {a: {regex: '*'}}}"),
            "routes[0].match.headers.a.regex: the regular expression is wrong: no argument for "
            "repetition operator: * at character 1");
}

TEST(RouteErrors, MethodsAndScheme) {
  EXPECT_EQ(SaidOfMatch("{methods: [get]}"),
            "routes[0].match.methods[0]: methods are case-sensitive, and \"get\" is none that "
            "clients send (did you mean \"GET\"?)");
  EXPECT_EQ(SaidOfMatch("{methods: [GTE]}"),
            "warning: routes[0].match.methods[0]: \"GTE\" is not a standard method (did you mean "
            "\"GET\"?)");
  EXPECT_EQ(SaidOfMatch("{methods: ['A B']}"),
            "routes[0].match.methods[0]: \"A B\" is not a method");
  EXPECT_EQ(SaidOfMatch("{methods: []}"),
            "routes[0].match.methods: is empty; leave it out to match all");
  EXPECT_EQ(SaidOfMatch("{methods: GET}"),
            "routes[0].match.methods: expected a list, got \"GET\" (did you mean \"[GET]\"?)");
  EXPECT_EQ(SaidOfMatch("{methods: [PURGE]}"), "");
  EXPECT_EQ(SaidOfMatch("{scheme: htps}"),
            "routes[0].match.scheme: unknown value \"htps\"; one of: http, https (did you mean "
            "\"https\"?)");
}

TEST(RouteErrors, Values) {
  EXPECT_EQ(SaidOfMatch("{headers: {'a b': c}}"),
            "routes[0].match.headers[\"a b\"]: \"a b\" is not a header name");
  EXPECT_EQ(SaidOfMatch("{headers: {Host: a}}"),
            "routes[0].match.headers.Host: hosts are matched with match.host, which knows case, "
            "ports and HTTP/2");
  EXPECT_EQ(SaidOfMatch("{headers: {X-A: a, x-a: b}}"),
            "routes[0].match.headers.x-a: the header x-a is tested twice");
  EXPECT_EQ(SaidOfMatch("{query: {a: {prefix: b, suffix: c}}}"),
            "routes[0].match.query.a.suffix: can't stand beside \"prefix\": a value has one test");
  EXPECT_EQ(SaidOfMatch("{query: {a: {prefx: b}}}"),
            "routes[0].match.query.a: expected a value, or one of prefix, suffix, contains, regex, "
            "present\nroutes[0].match.query.a.prefx: unknown key (did you mean \"prefix\"?)");
  EXPECT_EQ(SaidOfMatch("{cookies: {a: {contains: ''}}}"),
            "routes[0].match.cookies.a.contains: must not be empty; use present: true to ask for "
            "any value");
  EXPECT_EQ(SaidOfMatch("{query: {a: }}"), "routes[0].match.query.a: has no value");
  EXPECT_EQ(SaidOfMatch("{query: {a: [b]}}"),
            "routes[0].match.query.a: expected a single value, got a list");
  EXPECT_EQ(SaidOfMatch("{client_ip: [10.0.0.1/8]}"),
            "routes[0].match.client_ip[0]: \"10.0.0.1/8\" has bits set past its prefix length");
  EXPECT_EQ(SaidOfMatch("{listeners: [websecur]}"),
            "routes[0].match.listeners[0]: unknown listener \"websecur\" (did you mean "
            "\"websecure\"?)");
}

TEST(RouteErrors, Splits) {
  EXPECT_EQ(SaidOfForward("split: []"), "routes[0].split: has no arms");
  EXPECT_EQ(SaidOfForward("split: [{cluster: users, weight: 0}]"),
            "routes[0].split: all weights are 0, so nobody takes the requests");
  EXPECT_EQ(SaidOfForward("split: [{weight: 1}]"),
            "routes[0].split[0].cluster: needs the name of a cluster");
  EXPECT_EQ(SaidOfForward("split: [{cluster: users, weight: -1}]"),
            "routes[0].split[0].weight: expected a whole number, got \"-1\"");
  EXPECT_EQ(SaidOfForward("split: [{cluster: users, weight: 1000001}]"),
            "routes[0].split[0].weight: must be at most 1000000, got 1000001");
}

TEST(RouteErrors, Labels) {
  const std::string rule =
      ": at most 63 letters, digits, \"-\", \"_\", \".\", with a letter or digit at both ends";
  EXPECT_EQ(SaidOfForward("cluster: users, labels: {'-a': b}"),
            "routes[0].labels.-a: \"-a\" is not a label key" + rule +
                ", after a DNS name and \"/\" if you like");
  EXPECT_EQ(SaidOfForward("cluster: users, labels: {a: 'b c'}"),
            "routes[0].labels.a: \"b c\" is not a label value" + rule);
  EXPECT_EQ(SaidOfForward("cluster: users, labels: {example.com/a: b, c: ''}"), "");
  EXPECT_EQ(SaidOfForward("labels: {a: b}, split: [{cluster: users, labels: {a: c}}]"),
            "routes[0].split[0].labels: the arm wants a=c and its route a=b: no endpoint can carry "
            "both");
}

TEST(RouteErrors, Rewrites) {
  const auto said = [](const char* match, const char* rewrite) {
    return Said("{match: " + std::string(match) + ", cluster: users, rewrite: " + rewrite + "}");
  };
  const std::string at = "routes[0].rewrite.";
  EXPECT_EQ(said("{path_prefix: /api}", "{strip_prefix: /users}"),
            at + "strip_prefix: never applies: paths that match path_prefix /api are not under it "
                 "(did you mean \"/api\"?)");
  EXPECT_EQ(said("{path: /apix}", "{strip_prefix: /api}"),
            at + "strip_prefix: never applies: paths that match path /apix are not under it (did "
                 "you mean \"/apix\"?)");
  EXPECT_EQ(said("{path_prefix: /api}", "{strip_prefix: /api/v1}"),
            "warning: " + at +
                "strip_prefix: is longer than path_prefix /api: paths that don't have it are "
                "forwarded as they are");
  EXPECT_EQ(said("{path_prefix: /api}", "{strip_prefix: /}"), at + "strip_prefix: strips nothing");
  EXPECT_EQ(said("{path_prefix: /api/v1}", "{strip_prefix: /api/}"), "");
  EXPECT_EQ(said("{path: /a}", "{strip_prefix: /a}"), "");
  EXPECT_EQ(said("{path_regex: '/a.*'}", "{strip_prefix: /b}"), "");
  EXPECT_EQ(said("{}", "{path: /a, prefix: /b}"),
            at + "prefix: can't stand beside \"path\", which replaces the whole path");
  EXPECT_EQ(said("{}", "{host: 'http://a'}"), at + "host: is not a host, or a host and a port");
  EXPECT_EQ(said("{}", "{headers: {set: {Connection: close}}}"),
            at + "headers.set.Connection: \"Connection\" belongs to the connection and is made by "
                 "the gateway");
  EXPECT_EQ(said("{}", "{headers: {remove: [content-length]}}"),
            at + "headers.remove[0]: \"content-length\" belongs to the connection and is made by "
                 "the gateway");
  EXPECT_EQ(said("{}", "{headers: {set: {host: a}}}"),
            at + "headers.set.host: the host is set with rewrite.host");
  EXPECT_EQ(said("{}", R"({headers: {add: {a: "b\r\nc: d"}}})"),
            at + "headers.add.a: the value has control characters, which headers can't hold");
  EXPECT_EQ(said("{}", R"({headers: {add: {"a:b": c}}})"),
            at + "headers.add[\"a:b\"]: \"a:b\" is not a header name");
}

TEST(RouteErrors, Redirects) {
  const std::string at = "routes[0].redirect";
  EXPECT_EQ(
      SaidOfRedirect("{}"),
      at + ": the redirect changes nothing: it needs one of scheme, host, port, path, prefix");
  EXPECT_EQ(SaidOfRedirect("{path: /b, status: 200}"),
            at + ".status: unknown value \"200\"; one of: 301, 302, 303, 307, 308");
  EXPECT_EQ(SaidOfRedirect("{path: /b, prefix: /c}"),
            at + ".prefix: can't stand beside \"path\", which replaces the whole path");
  EXPECT_EQ(Said("{match: {path: /a}, redirect: {prefix: /c}}"),
            at + ".prefix: needs match.path_prefix, which it replaces");
  EXPECT_EQ(SaidOfRedirect("{host: '*.a'}"), at + ".host: can't hold \"*\"");
  EXPECT_EQ(SaidOfRedirect("{port: 0}"), at + ".port: must be between 1 and 65535, got 0");
}

TEST(RouteErrors, RedirectLoops) {
  const auto said = [](const char* from, const char* to) {
    return "warning: routes[0]: redirects to itself: " + std::string(from) + " is sent to " + to +
           ", which this route takes again";
  };
  EXPECT_EQ(Said("{redirect: {path: /a}}"), said("http://example.com/", "http://example.com/a"));
  EXPECT_EQ(Said("{match: {host: '*.b', path_prefix: /a}, redirect: {scheme: https}}"),
            said("http://www.b/a", "https://www.b/a"));
  EXPECT_EQ(Said("{match: {path_prefix: /a}, redirect: {prefix: /a/b}}"),
            said("http://example.com/a", "http://example.com/a/b"));
  EXPECT_EQ(Said("{match: {hosts: [a, b]}, redirect: {host: b}}"), said("http://a/", "http://b/"));
  EXPECT_EQ(Said("{match: {host: a}, redirect: {host: b}}"), "");
  EXPECT_EQ(Said("{match: {path_prefix: /a}, redirect: {prefix: /b}}"), "");
  EXPECT_EQ(Said("{match: {scheme: http}, redirect: {scheme: https}}"), "");
  EXPECT_EQ(Said("{match: {listeners: [web]}, redirect: {scheme: https}}"), "");
  EXPECT_EQ(Said("{redirect: {port: 8443}}"), "");
  EXPECT_EQ(LoadedRoutes("routes: [{match: {path: /login}, cluster: users}, "
                         "{redirect: {path: /login}}]")
                .Errors(),
            "");
}

TEST(RouteErrors, Responses) {
  const std::string at = "routes[0].respond";
  EXPECT_EQ(SaidOfRespond("{status: 101}"), at + ".status: must be between 200 and 599, got 101");
  EXPECT_EQ(SaidOfRespond("{body: a, body_file: b}"),
            at + ".body_file: can't stand beside \"body\"");
  EXPECT_EQ(SaidOfRespond("{status: 204, body: a}"),
            at + ".body: an answer with status 204 has no content");
  EXPECT_NE(SaidOfRespond("{body_file: /does/not/exist}").find(at + ".body_file: "),
            std::string::npos);
  EXPECT_EQ(SaidOfRespond("{body_file: '-'}"), at + ".body_file: is not a file");
  EXPECT_EQ(SaidOfRespond(R"({body: a, content_type: "a\nb"})"),
            at + ".content_type: has control characters, which headers can't hold");
  EXPECT_EQ(SaidOfRespond("{headers: {content-type: a}}"),
            at + ".headers: the content type is set with content_type");
}

TEST(RouteErrors, Timeouts) {
  EXPECT_EQ(SaidOfForward("cluster: users, timeouts: {idle: 5}"),
            "routes[0].timeouts.idle: expected a duration such as 250ms or 5s, got \"5\"; a unit "
            "is missing (did you mean \"5s\"?)");
  EXPECT_EQ(SaidOfForward("cluster: users, timeouts: {total: 25h}"),
            "routes[0].timeouts.total: must be at most 24h, got 25h");
}

TEST(RouteErrors, OneRunReportsAll) {
  const std::string said = Said(
      "{match: {host: 'a:1', path: b, methods: [get], scheme: x, query: {q: {regex: '('}}}, "
      "split: [{cluster: user}, {cluster: order}], timeouts: {idle: 1}}");
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 7) << said;
}

}  // namespace
}  // namespace gatehouse::route
