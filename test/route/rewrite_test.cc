// SPDX-License-Identifier: Apache-2.0
#include "source/route/rewrite.h"

#include <string>

#include <gtest/gtest.h>

#include "test/route/request.h"

namespace gatehouse::route {
namespace {

std::string Rewritten(const Forward& forward, std::string_view target) {
  Request request(target);
  return std::string(RewrittenTarget(forward, request.head(), request.arena()));
}
std::string Stripped(std::string prefix, std::string_view target) {
  Forward forward;
  forward.rewrite.Edit().strip_prefix = std::move(prefix);
  return Rewritten(forward, target);
}
// A redirect, part by part.
struct To : Redirect {
  To& Scheme(const char* value) {
    scheme = value;
    return *this;
  }
  To& Host(const char* value) {
    host = value;
    return *this;
  }
  To& Port(uint16_t value) {
    port = value;
    return *this;
  }
  To& Path(const char* value) {
    path = value;
    return *this;
  }
  To& Prefix(const char* value) {
    prefix = value;
    return *this;
  }
  To& StripQuery() {
    strip_query = true;
    return *this;
  }
};

std::string Location(const Redirect& redirect, std::string_view target,
                     std::string_view host = "example.com", std::string prefix = "") {
  Request request(target, host);
  RouteMatch match;
  if (!prefix.empty()) {
    match.path_kind = PathKind::kPrefix;
    match.path = std::move(prefix);
  }
  return std::string(RedirectLocation(redirect, match, request.head(), request.arena()));
}

TEST(Rewrite, NothingToRewriteLeavesTheBytesAlone) {
  Request request("/a?b");
  EXPECT_EQ(RewrittenTarget(Forward(), request.head(), request.arena()).data(),
            request.head().target.data());
}

TEST(Rewrite, StripPrefix) {
  EXPECT_EQ(Stripped("/api", "/api/users"), "/users");
  EXPECT_EQ(Stripped("/api", "/api"), "/");
  EXPECT_EQ(Stripped("/api", "/api/"), "/");
  EXPECT_EQ(Stripped("/api/", "/api/users"), "/users");
  EXPECT_EQ(Stripped("/api", "/apix"), "/apix");
  EXPECT_EQ(Stripped("/api", "/other"), "/other");
  EXPECT_EQ(Stripped("/api", "/api?x=/api"), "/?x=/api");
  EXPECT_EQ(Stripped("/api", "/api/users/?"), "/users/?");
  EXPECT_EQ(Stripped("/api", "*"), "*");
}

TEST(Rewrite, AStrippedPathIsNeverReadAsAnAuthority) {
  EXPECT_EQ(Stripped("/api", "/api//evil.example/x"), "/evil.example/x");
  EXPECT_EQ(Stripped("/api", "/api////"), "/");
}

TEST(Rewrite, PrefixIsPutBeforeWhatIsLeft) {
  Forward forward;
  forward.rewrite.Edit().prefix = "/v2";
  EXPECT_EQ(Rewritten(forward, "/users?q"), "/v2/users?q");
  EXPECT_EQ(Rewritten(forward, "/"), "/v2/");
  forward.rewrite.Edit().strip_prefix = "/api";
  EXPECT_EQ(Rewritten(forward, "/api/users"), "/v2/users");
  EXPECT_EQ(Rewritten(forward, "/api"), "/v2");
  forward.rewrite.Edit().prefix = "/v2/";
  EXPECT_EQ(Rewritten(forward, "/api/users"), "/v2/users");
  EXPECT_EQ(Rewritten(forward, "/api"), "/v2/");
  forward.rewrite.Edit().prefix = "/";
  EXPECT_EQ(Rewritten(forward, "/api//users"), "/users");
  EXPECT_EQ(Rewritten(forward, "/api"), "/");
}

TEST(Rewrite, PathReplacesAllButTheQuery) {
  Forward forward;
  forward.rewrite.Edit().path = "/all";
  EXPECT_EQ(Rewritten(forward, "/a/b?c=d"), "/all?c=d");
  EXPECT_EQ(Rewritten(forward, "/"), "/all");
}

TEST(Rewrite, HeaderEdits) {
  Request request("/");
  request.Header("X-Internal", "1").Header("x-via", "a").Header("x-via", "b").Header("x-more", "1");
  const HeaderEdits edits{
      .set = {{"x-via", "gatehouse"}}, .add = {{"x-more", "2"}}, .remove = {"x-internal"}};
  ApplyHeaderEdits(edits, request.head().headers);
  std::string all;
  request.head().headers.ForEach([&](const http::Field& field) {
    all += std::string(field.name) + "=" + std::string(field.value) + " ";
  });
  EXPECT_EQ(all, "x-via=gatehouse x-more=1 x-more=2 ");
}

TEST(RedirectLocation, KeepsWhatIsNotNamed) {
  EXPECT_EQ(Location(To().Path("/new"), "/old?a=b"), "/new?a=b");
  EXPECT_EQ(Location(To().Path("/new").StripQuery(), "/old?a=b"), "/new");
  EXPECT_EQ(Location(To().Scheme("https"), "/a?b"), "https://example.com/a?b");
  EXPECT_EQ(Location(To().Host("www.example.com"), "/a?b"), "http://www.example.com/a?b");
}

TEST(RedirectLocation, Ports) {
  EXPECT_EQ(Location(To().Scheme("https"), "/", "example.com:8080"), "https://example.com/");
  EXPECT_EQ(Location(To().Host("b.example"), "/", "example.com:8080"), "http://b.example/");
  EXPECT_EQ(Location(To().Scheme("http"), "/", "example.com:8080"), "http://example.com:8080/");
  EXPECT_EQ(Location(To().Port(8443), "/a"), "http://example.com:8443/a");
  EXPECT_EQ(Location(To().Scheme("https").Port(443), "/a"), "https://example.com/a");
  EXPECT_EQ(Location(To().Scheme("https").Port(80), "/a"), "https://example.com:80/a");
}

TEST(RedirectLocation, PrefixReplacesTheMatchedOne) {
  EXPECT_EQ(Location(To().Prefix("/new"), "/old/a?b", "h", "/old"), "/new/a?b");
  EXPECT_EQ(Location(To().Prefix("/new"), "/old", "h", "/old"), "/new");
  EXPECT_EQ(Location(To().Prefix("/new/"), "/old/a", "h", "/old"), "/new/a");
  EXPECT_EQ(Location(To().Prefix("/"), "/old/a", "h", "/old"), "/a");
  EXPECT_EQ(Location(To().Prefix("/new"), "/a", "h", "/"), "/new/a");
}

TEST(RedirectLocation, NeverLeadsToAnotherHostByItsPath) {
  EXPECT_EQ(Location(To().Prefix("/"), "/old//evil.example", "h", "/old"), "/evil.example");
  EXPECT_EQ(Location(To().Prefix("/"), "/old/\\evil.example", "h", "/old"), "/%5Cevil.example");
  EXPECT_EQ(Location(To().StripQuery(), "//evil.example/"), "/evil.example/");
  EXPECT_EQ(Location(To().Scheme("https"), "//evil.example/"), "https://example.com/evil.example/");
  EXPECT_EQ(Location(To().Scheme("https"), "*"), "https://example.com/");
}

TEST(RedirectLocation, HoldsNothingThatEndsALine) {
  EXPECT_EQ(Location(To().Scheme("https"), "/a\r\nset-cookie: b?c\nd"),
            "https://example.com/a%0D%0Aset-cookie:%20b?c%0Ad");
  EXPECT_EQ(Location(To().Scheme("https"), "/\xc3\xa9\"<>"), "https://example.com/%C3%A9%22%3C%3E");
  EXPECT_EQ(Location(To().Scheme("https"), "/%41%zz"), "https://example.com/%41%zz");
}

TEST(RedirectLocation, IsEmptyWithoutAUsableHost) {
  EXPECT_EQ(Location(To().Scheme("https"), "/", ""), "");
  EXPECT_EQ(Location(To().Scheme("https"), "/", "a@b"), "");
  EXPECT_EQ(Location(To().Path("/a"), "/", ""), "/a");
}

}  // namespace
}  // namespace gatehouse::route
