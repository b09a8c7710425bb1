// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FetchRequest;
using pipeline::FetchResponse;
using pipeline::FilterHarness;
using pipeline::HarnessFields;

constexpr std::string_view kUrl = "url: \"http://auth:9000/verify\"";

std::string With(std::string_view more) {
  return std::string("{").append(kUrl).append(", ").append(more).append("}");
}

// Values of all fields of that name, joined by "|"; "-" when there are none.
std::string Told(const FetchRequest& question, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : question.headers) {
    if (key == name) {
      out.append(out.empty() ? "" : "|").append(value);
    }
  }
  return out.empty() ? "-" : out;
}

Result<FetchResponse> Silence(ErrorCode code = ErrorCode::kResponseTimeout) {
  return Fail(code, ErrorSource::kUpstream, "no whole answer in time");
}

// ---- The question ----

TEST(ForwardAuthTest, AsksAboutTheRequest) {
  FilterHarness h(ForwardAuth(), With("timeout: 300ms, max_response_bytes: 2KiB"));
  h.ConnectThrough("10.0.0.1", "198.51.100.7");
  h.Request("POST", "/orders/7?x=1",
            {{"host", "shop.test:8080"},
             {"authorization", "Bearer t"},
             {"cookie", "a=1"},
             {"cookie", "b=2"},
             {"content-length", "3"},
             {"content-type", "text/plain"},
             {"x-forwarded-for", "6.6.6.6, 10.0.0.1"},
             {"x-forwarded-uri", "/forged"},
             {"x-original-uri", "/forged"},
             {"x-other", "1"}});
  EXPECT_TRUE(h.paused());
  EXPECT_FALSE(h.forwarded());
  ASSERT_EQ(h.fetches().size(), 1U);
  const FetchRequest& question = h.fetches()[0];
  EXPECT_EQ(question.method, "GET");
  EXPECT_EQ(question.target, "/verify");
  EXPECT_EQ(question.cluster, "http://auth:9000");
  EXPECT_EQ(question.host, "auth:9000");
  EXPECT_EQ(question.body, "");
  EXPECT_EQ(question.timeout, std::chrono::milliseconds(300));
  EXPECT_EQ(question.max_response_bytes, 2048U);
  EXPECT_EQ(Told(question, "authorization"), "Bearer t");
  EXPECT_EQ(Told(question, "cookie"), "a=1|b=2");
  EXPECT_EQ(Told(question, "X-Forwarded-Method"), "POST");
  EXPECT_EQ(Told(question, "X-Forwarded-Proto"), "http");
  EXPECT_EQ(Told(question, "X-Forwarded-Host"), "shop.test:8080");
  EXPECT_EQ(Told(question, "X-Forwarded-Uri"), "/orders/7?x=1");
  EXPECT_EQ(Told(question, "X-Forwarded-For"), "198.51.100.7");
  EXPECT_EQ(Told(question, "X-Original-Method"), "POST");
  EXPECT_EQ(Told(question, "X-Original-URI"), "/orders/7?x=1");
  EXPECT_EQ(Told(question, "X-Original-URL"), "http://shop.test:8080/orders/7?x=1");
  for (const char* name : {"host", "content-length", "content-type", "x-forwarded-for",
                           "x-forwarded-uri", "x-original-uri", "x-other"}) {
    EXPECT_EQ(Told(question, name), "-") << name;
  }
}

TEST(ForwardAuthTest, AClusterAndAPath) {
  FilterHarness h(ForwardAuth(), "{cluster: auth, path: \"/check?all=1\", method: POST}");
  h.Get();
  EXPECT_EQ(h.fetches()[0].cluster, "auth");
  EXPECT_EQ(h.fetches()[0].target, "/check?all=1");
  EXPECT_EQ(h.fetches()[0].host, "");
  EXPECT_EQ(h.fetches()[0].method, "POST");
}

TEST(ForwardAuthTest, OnlyTheFieldsThatAreNamed) {
  FilterHarness h(ForwardAuth(),
                  With("request_headers: [X-Tenant], credentials: [x-key, \"cookie:s\"]"));
  h.Get("/", {{"x-tenant", "a"}, {"x-key", "k"}, {"cookie", "s=1"}, {"authorization", "x"}});
  EXPECT_EQ(Told(h.fetches()[0], "x-tenant"), "a");
  EXPECT_EQ(Told(h.fetches()[0], "x-key"), "k");
  EXPECT_EQ(Told(h.fetches()[0], "cookie"), "s=1");
  EXPECT_EQ(Told(h.fetches()[0], "authorization"), "-");
}

TEST(ForwardAuthTest, AllFieldsButThoseOfTheConnectionAndTheContent) {
  FilterHarness h(ForwardAuth(), With("request_headers: [\"*\"], upstream_headers: [x-user]"));
  h.Get("/", {{"x-any", "1"},
              {"connection", "x-hop, close"},
              {"x-hop", "1"},
              {"te", "trailers"},
              {"content-encoding", "gzip"},
              {"if-none-match", "\"a\""},
              {"range", "bytes=0-1"},
              {"expect", "100-continue"},
              {"x-forwarded-user", "root"},
              {"x-real-ip", "1"},
              {"forwarded", "for=1"},
              {"x-user", "root"},
              {"via", "1.1 a"},
              {"authorization", "Bearer t"}});
  EXPECT_EQ(Told(h.fetches()[0], "x-any"), "1");
  EXPECT_EQ(Told(h.fetches()[0], "authorization"), "Bearer t");
  for (const char* name :
       {"connection", "x-hop", "te", "content-encoding", "if-none-match", "range", "expect",
        "x-forwarded-user", "x-real-ip", "forwarded", "x-user", "via"}) {
    EXPECT_EQ(Told(h.fetches()[0], name), "-") << name;
  }
}

// ---- 2xx ----

TEST(ForwardAuthTest, LetsIn) {
  FilterHarness h(ForwardAuth(),
                  With("upstream_headers: [x-user, X-Groups, x-absent], client_headers: "
                       "[set-cookie, x-seen]"));
  h.Get("/", {{"X-User", "root"},
              {"X_User", "root"},
              {"x-absent", "root"},
              {"x-groups", "admins"},
              {"x-mine", "1"}});
  EXPECT_TRUE(h.AnswerFetch(FetchResponse{200,
                                          {{"X-User", "ann"},
                                           {"x-groups", "a"},
                                           {"X-Groups", "b"},
                                           {"Set-Cookie", "s=1"},
                                           {"set-cookie", "t=2"},
                                           {"x-seen", "auth"},
                                           {"x-not-asked-for", "1"}},
                                          "ignored"}));
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-user"), "ann");
  EXPECT_EQ(h.RequestField("x_user"), std::nullopt) << "CGI takes it for the other";
  EXPECT_EQ(h.RequestField("x-groups"), "a, b");
  EXPECT_EQ(h.RequestField("x-absent"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-mine"), "1");
  EXPECT_EQ(h.RequestField("x-not-asked-for"), std::nullopt);
  h.Response(200, {{"set-cookie", "u=3"}, {"x-seen", "upstream"}});
  EXPECT_EQ(h.ResponseField("set-cookie"), "u=3, s=1, t=2");
  EXPECT_EQ(h.ResponseField("x-seen"), "auth");
  EXPECT_EQ(h.stream().info().identity, nullptr);
  EXPECT_EQ(h.Counter("allowed"), 1);
  EXPECT_EQ(h.Counter("asked"), 1);
}

TEST(ForwardAuthTest, FieldsOfTheConnectionAreNeverCopied) {
  FilterHarness h(ForwardAuth(), With("upstream_headers: [x-user, x-hop]"));
  h.Get();
  h.AnswerFetch(FetchResponse{200, {{"Connection", "X-Hop"}, {"x-hop", "1"}, {"x-user", "a"}}, ""});
  EXPECT_EQ(h.RequestField("x-hop"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-user"), "a");
}

TEST(ForwardAuthTest, ReplacesTheClientsAuthorization) {
  FilterHarness h(ForwardAuth(), With("upstream_headers: [authorization]"));
  h.Get("/", {{"authorization", "Bearer outside"}});
  EXPECT_EQ(Told(h.fetches()[0], "authorization"), "Bearer outside");
  h.AnswerFetch(FetchResponse{200, {{"authorization", "Basic inside"}}, ""});
  EXPECT_EQ(h.RequestField("authorization"), "Basic inside");
  h.Get("/", {{"authorization", "Bearer outside"}});
  h.AnswerFetch(FetchResponse{200, {}, ""});
  EXPECT_EQ(h.RequestField("authorization"), std::nullopt);
}

TEST(ForwardAuthTest, Identity) {
  FilterHarness h(ForwardAuth(),
                  With("identity: {subject: x-user, groups: x-groups, claims: {email: "
                       "x-email, tenant: x-tenant}}"));
  h.Get("/", {{"x-user", "root"}});
  h.AnswerFetch(FetchResponse{200,
                              {{"X-User", "ann"},
                               {"x-groups", "dev, ops"},
                               {"x-groups", "all"},
                               {"x-email", "ann@example.com"}},
                              ""});
  const observe::Identity* identity = h.stream().info().identity;
  ASSERT_NE(identity, nullptr);
  EXPECT_EQ(identity->kind, observe::IdentityKind::kForwardAuth);
  EXPECT_EQ(identity->filter, "forward_auth");
  EXPECT_EQ(identity->subject, "ann");
  ASSERT_EQ(identity->groups.size(), 3U);
  EXPECT_TRUE(identity->InGroup("dev") && identity->InGroup("ops") && identity->InGroup("all"));
  EXPECT_EQ(observe::IdentityField::Parse("claims.email")->First(identity), "ann@example.com");
  EXPECT_EQ(observe::IdentityField::Parse("claims.tenant")->First(identity), "");
}

TEST(ForwardAuthTest, AnAnswerThatNamesNobody) {
  FilterHarness h(ForwardAuth(), With("identity: {subject: x-user, groups: x-groups}"));
  for (const HarnessFields& fields : {HarnessFields{{"x-groups", "admins"}},
                                      HarnessFields{{"x-user", ""}, {"x-groups", "admins"}}}) {
    h.Get();
    h.AnswerFetch(FetchResponse{204, fields, ""});
    EXPECT_TRUE(h.forwarded());
    EXPECT_EQ(h.stream().info().identity, nullptr);
  }
}

// ---- Any other answer ----

TEST(ForwardAuthTest, PassesTheAnswerOn) {
  FilterHarness h(ForwardAuth(), With("upstream_headers: [x-user], client_headers: [x-seen]"));
  h.Get("/", {{"cookie", "s=expired"}});
  h.AnswerFetch(FetchResponse{302,
                              {{"Location", "https://login.test/?rd=%2F"},
                               {"Set-Cookie", "state=1"},
                               {"Set-Cookie", "nonce=2"},
                               {"Content-Type", "text/html"},
                               {"Content-Length", "5"},
                               {"Date", "yesterday"},
                               {"Connection", "close, x-hop"},
                               {"X-Hop", "1"},
                               {"Transfer-Encoding", "chunked"},
                               {"Keep-Alive", "timeout=5"}},
                              "login"});
  EXPECT_FALSE(h.forwarded());
  EXPECT_EQ(h.reply().status, 302);
  EXPECT_EQ(h.reply().body, "login");
  EXPECT_EQ(h.reply().content_type, "text/html");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"location", "https://login.test/?rd=%2F"},
                                              {"set-cookie", "state=1"},
                                              {"set-cookie", "nonce=2"}}));
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
  EXPECT_EQ(h.reply().detail, "forward_auth: the service answered 302");
  EXPECT_EQ(h.Counter("denied"), 1);
  EXPECT_EQ(h.Counter("failed"), 0);
}

TEST(ForwardAuthTest, WhatADenialMeans) {
  FilterHarness h(ForwardAuth(), std::string("{").append(kUrl).append("}"));
  const auto code = [&](uint16_t status, const HarnessFields& fields) {
    h.Get("/", fields);
    h.AnswerFetch(FetchResponse{status, {}, ""});
    EXPECT_EQ(h.reply().status, status);
    return h.reply().error;
  };
  EXPECT_EQ(code(401, {}), ErrorCode::kNoCredentials);
  EXPECT_EQ(code(401, {{"authorization", "x"}}), ErrorCode::kBadCredentials);
  EXPECT_EQ(code(303, {}), ErrorCode::kNoCredentials);
  EXPECT_EQ(code(303, {{"cookie", "a=1"}}), ErrorCode::kBadCredentials);
  EXPECT_EQ(code(403, {}), ErrorCode::kNotPermitted);
  EXPECT_EQ(code(404, {}), ErrorCode::kNotPermitted);
  EXPECT_EQ(code(429, {}), ErrorCode::kNotPermitted);
}

TEST(ForwardAuthTest, A401HasAChallenge) {
  FilterHarness h(ForwardAuth(), With("challenge: \"Bearer realm=\\\"shop\\\"\""));
  h.Get();
  h.AnswerFetch(FetchResponse{401, {}, "no"});
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"www-authenticate", "Bearer realm=\"shop\""}}));
  h.Get();
  h.AnswerFetch(FetchResponse{401, {{"WWW-Authenticate", "Basic realm=\"x\""}}, "no"});
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"www-authenticate", "Basic realm=\"x\""}}));
  h.Get();
  h.AnswerFetch(FetchResponse{403, {}, "no"});
  EXPECT_EQ(h.reply().headers, HarnessFields{});
}

TEST(ForwardAuthTest, OnlyTheFieldsOfADenialThatAreNamed) {
  FilterHarness h(ForwardAuth(), With("denied_headers: [location]"));
  h.Get();
  h.AnswerFetch(FetchResponse{
      302, {{"Location", "/login"}, {"Server", "auth/1"}, {"Content-Type", "text/html"}}, "x"});
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"location", "/login"}}));
  EXPECT_EQ(h.reply().content_type, "text/html");
}

// The response to a denial is not one that the service let in.
TEST(ForwardAuthTest, ClientHeadersAreOfTheAllowedOnly) {
  FilterHarness h(ForwardAuth(), With("client_headers: [set-cookie]"));
  h.Get();
  h.AnswerFetch(FetchResponse{403, {{"set-cookie", "s=1"}}, ""});
  EXPECT_EQ(h.ResponseField("set-cookie"), "s=1") << "once";
}

// ---- Failures ----

TEST(ForwardAuthTest, NoVerdict) {
  FilterHarness h(ForwardAuth(), std::string("{").append(kUrl).append("}"));
  h.Get();
  h.AnswerFetch(Silence());
  EXPECT_EQ(h.reply().status, 503);
  EXPECT_EQ(h.reply().error, ErrorCode::kAuthUnavailable);
  EXPECT_EQ(h.reply().detail, "forward_auth: no whole answer in time");
  EXPECT_EQ(h.Counter("timeouts"), 1);
  h.Get();
  h.AnswerFetch(Silence(ErrorCode::kUpstreamReset));
  EXPECT_EQ(h.reply().error, ErrorCode::kAuthUnavailable);
  for (const uint16_t status : {500, 502, 599, 101, 199}) {
    h.Get();
    h.AnswerFetch(FetchResponse{status, {{"x-secret", "1"}}, "stack trace"});
    EXPECT_EQ(h.reply().status, 503) << status;
    EXPECT_EQ(h.reply().body.find("stack trace"), std::string::npos);
    EXPECT_EQ(h.reply().headers, HarnessFields{});
  }
  EXPECT_EQ(h.reply().detail, "forward_auth: it answered 199");
  EXPECT_EQ(h.Counter("failed"), 7);
  EXPECT_EQ(h.Counter("timeouts"), 1);
  EXPECT_EQ(h.Counter("failed_open"), 0);
}

TEST(ForwardAuthTest, NoVerdictAndLetInNevertheless) {
  FilterHarness h(ForwardAuth(), With("on_failure: allow, upstream_headers: [x-user], "
                                      "identity: {subject: x-user}"));
  h.Get("/", {{"x-user", "root"}});
  h.AnswerFetch(FetchResponse{500, {{"x-user", "root"}}, ""});
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(h.stream().info().identity, nullptr);
  EXPECT_EQ(h.Counter("failed"), 1);
  EXPECT_EQ(h.Counter("failed_open"), 1);
}

TEST(ForwardAuthTest, WithoutCredentials) {
  FilterHarness h(ForwardAuth(),
                  With("allow_missing: true, credentials: [\"cookie:s\", \"query:token\"], "
                       "upstream_headers: [x-user]"));
  h.Get("/", {{"x-user", "root"}, {"cookie", "other=1"}, {"authorization", "x"}});
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(h.Counter("anonymous"), 1);
  h.Get("/", {{"cookie", "other=1; s=2"}});
  EXPECT_TRUE(h.paused());
  h.Get("/?a=1&token=x");
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.fetches().size(), 2U);
}

TEST(ForwardAuthTest, AClientThatLeavesIsNotAskedAboutAnyMore) {
  for (const std::string& yaml : {With("method: GET"), With("cache: {}")}) {
    FilterHarness h(ForwardAuth(), yaml);
    h.Get("/", {{"authorization", "a"}});
    h.End(ErrorCode::kClientGone);
    EXPECT_FALSE(h.AnswerFetch(FetchResponse{200, {}, ""})) << "cancelled";
  }
}

TEST(ForwardAuthTest, ContentWaits) {
  FilterHarness h(ForwardAuth(), std::string("{").append(kUrl).append("}"));
  h.Request("POST", "/", {{"content-length", "6"}});
  h.Body("abc");
  EXPECT_EQ(h.request_body(), "");
  h.AnswerFetch(FetchResponse{200, {}, ""});
  h.EndBody("def");
  EXPECT_EQ(h.request_body(), "abcdef");
}

// What any_of calls before it asks anybody.
TEST(ForwardAuthTest, WhatOnlyTheServiceMaySay) {
  FilterHarness h(ForwardAuth(), With("upstream_headers: [x-user, authorization, x-email], "
                                      "request_headers: [authorization, x-email]"));
  h.Get("/", {{"x-user", "root"}, {"x-email", "me"}, {"authorization", "Bearer t"}});
  h.definition().StripHeaders(h.request());
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(h.RequestField("authorization"), "Bearer t");
  EXPECT_EQ(h.definition().Explain(h.request(), h.stream().info()), "asks http://auth:9000/verify");
}

// ---- The cache ----

class ForwardAuthCacheTest : public testing::Test {
 protected:
  static HarnessFields User(const std::string& token) { return {{"authorization", token}}; }
  // Whether the request was asked about; it is answered with `status`.
  static bool Asks(FilterHarness& h, std::string_view method, std::string_view target,
                   const HarnessFields& fields, uint16_t status = 200,
                   const HarnessFields& answer = {{"x-user", "ann"}}) {
    const size_t before = h.fetches().size();
    h.Request(method, target, fields);
    if (h.fetches().size() == before) {
      return false;
    }
    h.AnswerFetch(FetchResponse{status, answer, "body"});
    return true;
  }
};

TEST_F(ForwardAuthCacheTest, AsksOnceForAWhile) {
  FilterHarness h(ForwardAuth(), With("upstream_headers: [x-user], identity: {subject: x-user}, "
                                      "cache: {ttl: 10s}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t1")));
  h.Advance(std::chrono::milliseconds(9999));
  EXPECT_FALSE(Asks(h, "GET", "/a", {{"authorization", "t1"}, {"x-user", "root"}}));
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-user"), "ann");
  ASSERT_NE(h.stream().info().identity, nullptr);
  EXPECT_EQ(h.stream().info().identity->subject, "ann");
  EXPECT_EQ(h.Counter("cached"), 1);
  EXPECT_EQ(h.Counter("allowed"), 2);
  h.Advance(std::chrono::milliseconds(1));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t1"))) << "expired";
}

// Whatever the service is told of the caller tells callers apart.
TEST_F(ForwardAuthCacheTest, TheServiceIsToldNoMoreThanTheKeyHas) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "c=1"}, {"x-api-key", "A"}}));
  EXPECT_EQ(Told(h.fetches().back(), "x-api-key"), "A");
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "c=1"}, {"x-api-key", "B"}}));
  FilterHarness keyed(ForwardAuth(), With("cache: {ttl: 1h, key: [authorization]}"));
  EXPECT_TRUE(Asks(keyed, "GET", "/a", {{"authorization", "t"}, {"x-api-key", "A"}}));
  EXPECT_EQ(Told(keyed.fetches().back(), "authorization"), "t");
  EXPECT_EQ(Told(keyed.fetches().back(), "x-api-key"), "-");
  EXPECT_EQ(Told(keyed.fetches().back(), "cookie"), "-");
}

TEST_F(ForwardAuthCacheTest, WhatTellsRequestsApart) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t1")));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t2")));
  EXPECT_TRUE(Asks(h, "POST", "/a", User("t1")));
  EXPECT_TRUE(Asks(h, "GET", "/b", User("t1")));
  EXPECT_TRUE(Asks(h, "GET", "/a?x", User("t1")));
  EXPECT_TRUE(Asks(h, "GET", "/a?", User("t1")));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"authorization", "t1"}, {"host", "other.test"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"authorization", "t1"}, {"cookie", "a=1"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"authorization", "t1"}, {"authorization", "t2"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"authorization", "t1t2"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "t1"}}));
  EXPECT_FALSE(Asks(h, "GET", "/a", User("t1")));
  EXPECT_FALSE(Asks(h, "GET", "/a", {{"authorization", "t1"}, {"user-agent", "x"}}));
  EXPECT_FALSE(Asks(h, "GET", "/a", {{"cookie", "t1"}}));
}

TEST_F(ForwardAuthCacheTest, WithoutAnythingOfItsOwnARequestIsAlwaysAskedAbout) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h, key: [\"cookie:s\", \"query:t\"]}"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "other=1"}, {"authorization", "t1"}}));
  }
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "s=1; other=1"}}));
  EXPECT_FALSE(Asks(h, "GET", "/a", {{"cookie", "other=2; s=1"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "s=1; s=2"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a", {{"cookie", "s=2; s=1"}}));
  EXPECT_TRUE(Asks(h, "GET", "/a?t=1", {}));
  EXPECT_FALSE(Asks(h, "GET", "/a?t=1", {}));
}

TEST_F(ForwardAuthCacheTest, LessToTellThemApart) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h, per: [client]}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t1")));
  EXPECT_FALSE(Asks(h, "POST", "/b", User("t1")));
  h.ConnectFrom("192.0.2.9");
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t1")));
}

TEST_F(ForwardAuthCacheTest, DenialsAreKeptWhenAskedFor) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 10s, deny_ttl: 2s}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("bad"), 403, {{"x-why", "y"}}));
  EXPECT_FALSE(Asks(h, "GET", "/a", User("bad")));
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(h.reply().body, "body");
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"x-why", "y"}}));
  EXPECT_EQ(h.Counter("denied"), 2);
  h.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("bad")));
  FilterHarness by_default(ForwardAuth(), With("cache: {ttl: 10s}"));
  EXPECT_TRUE(Asks(by_default, "GET", "/a", User("bad"), 403));
  EXPECT_TRUE(Asks(by_default, "GET", "/a", User("bad"), 403));
}

TEST_F(ForwardAuthCacheTest, FailuresAreNot) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 10s, deny_ttl: 10s}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t"), 500));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t"), 500));
}

TEST_F(ForwardAuthCacheTest, WhatTheServiceSaysOfIt) {
  const auto kept_for = [](const HarnessFields& answer, int seconds) {
    FilterHarness h(ForwardAuth(), With("client_headers: [set-cookie], cache: {ttl: 10s}"));
    EXPECT_TRUE(Asks(h, "GET", "/a", User("t"), 200, answer));
    h.Advance(std::chrono::seconds(seconds));
    return !Asks(h, "GET", "/a", User("t"), 200, answer);
  };
  EXPECT_TRUE(kept_for({{"cache-control", "public"}}, 9));
  EXPECT_FALSE(kept_for({{"Cache-Control", "private, No-Store"}}, 0));
  EXPECT_FALSE(kept_for({{"cache-control", "no-cache=\"x\""}}, 0));
  EXPECT_FALSE(kept_for({{"cache-control", "max-age=0"}}, 0));
  EXPECT_FALSE(kept_for({{"cache-control", "max-age=junk"}}, 0));
  EXPECT_FALSE(kept_for({{"cache-control", "private"}, {"cache-control", "no-store"}}, 0));
  EXPECT_TRUE(kept_for({{"cache-control", "max-age=3"}}, 2));
  EXPECT_FALSE(kept_for({{"cache-control", "max-age=3"}}, 3));
  EXPECT_FALSE(kept_for({{"cache-control", "max-age=3600"}}, 10)) << "ttl is the most";
  EXPECT_FALSE(kept_for({{"set-cookie", "s=1"}}, 0)) << "a cookie is set once";
}

TEST_F(ForwardAuthCacheTest, IsBounded) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h, max_entries: 4}"));
  for (int i = 0; i < 5; ++i) {
    h.Advance(std::chrono::seconds(1));
    EXPECT_TRUE(Asks(h, "GET", "/a", User("t" + std::to_string(i))));
  }
  for (int i = 1; i < 5; ++i) {
    EXPECT_FALSE(Asks(h, "GET", "/a", User("t" + std::to_string(i)))) << i;
  }
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t0"))) << "made room";
}

TEST_F(ForwardAuthCacheTest, IsOfEachWorker) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h}"), {.workers = 2});
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
  h.OnWorker(1);
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
  h.OnWorker(0);
  EXPECT_FALSE(Asks(h, "GET", "/a", User("t")));
}

TEST_F(ForwardAuthCacheTest, SurvivesAReloadAndEndsWithAChange) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
  EXPECT_TRUE(h.Reload(With("cache: {ttl: 1h}")));
  EXPECT_FALSE(Asks(h, "GET", "/a", User("t")));
  EXPECT_FALSE(h.Reload(With("cache: {ttl: 2h}")));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
}

TEST_F(ForwardAuthCacheTest, ARouteOfItsOwnHasAnswersOfItsOwn) {
  FilterHarness h(ForwardAuth(), With("cache: {ttl: 1h}"));
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
  h.Override("url: \"http://auth:9000/admin\"");
  EXPECT_TRUE(Asks(h, "GET", "/a", User("t")));
  EXPECT_EQ(h.fetches().back().target, "/admin");
}

// ---- Mistakes ----

TEST(ForwardAuthTest, Mistakes) {
  const auto says = [](std::string_view yaml) {
    return FilterHarness(ForwardAuth(), yaml).diagnostics();
  };
  EXPECT_EQ(says("{}"), "filter.yaml:1:1: needs `url`, or `cluster` and `path`\n");
  EXPECT_EQ(says("{url: \"http://a/\", cluster: b}"),
            "filter.yaml:1:1: takes `url` or `cluster`, not both\n");
  EXPECT_EQ(says("{url: \"http://a/\", path: /b}"),
            "filter.yaml:1:26: path: stands in the `url`\n");
  EXPECT_EQ(says("{cluster: a, path: b}"),
            "filter.yaml:1:20: path: must be a path such as /verify, got \"b\"\n");
  EXPECT_EQ(
      says("{cluster: a, request_headers: [X-Forwarded-For, content-type, host, \"a b\"]}"),
      "filter.yaml:1:32: request_headers[0]: always goes along, with what the gateway itself "
      "knows\n"
      "filter.yaml:1:49: request_headers[1]: \"content-type\" is about the content, which does "
      "not go along\n"
      "filter.yaml:1:63: request_headers[2]: \"host\" names where the request goes: a route's "
      "`rewrite` changes it\n"
      "filter.yaml:1:69: request_headers[3]: \"a b\" is not the name of a header field\n");
  EXPECT_EQ(says("{cluster: a, upstream_headers: [\"*\", transfer-encoding]}"),
            "filter.yaml:1:33: upstream_headers[0]: each field is named here: what else an answer "
            "has is not taken over\n"
            "filter.yaml:1:38: upstream_headers[1]: \"transfer-encoding\" says how the message is "
            "framed: the gateway writes it itself\n");
  EXPECT_EQ(says("{cluster: a, identity: {groups: x-groups}}"),
            "filter.yaml:1:24: identity: needs `subject`, the field of answers that says who it "
            "is\n");
  EXPECT_EQ(says("{cluster: a, credentials: [authorization], cache: {key: [\"cookie:s\"]}}"),
            "filter.yaml:1:57: cache.key: lacks \"authorization\", which `credentials` names: who "
            "differs in that would get another's answer\n");
  EXPECT_EQ(says("{cluster: a, credentials: [\"cookie:s\"], cache: {key: [cookie]}}"), "");
  EXPECT_EQ(says("{cluster: a, request_headers: [accept, x-tenant], cache: {}}"),
            "filter.yaml:1:31: request_headers: has \"x-tenant\", which is not in the `key` of "
            "`cache`: who differs in that would get another's answer\n");
  EXPECT_EQ(says("{cluster: a, request_headers: [\"*\"], cache: {}}"),
            "filter.yaml:1:31: request_headers: can't be all with a `cache`: what the service "
            "decides by must be in its `key`\n");
  EXPECT_EQ(says("{cluster: a, request_headers: [accept, x-tenant], cache: {key: [authorization, "
                 "cookie, x-api-key, x-tenant]}}"),
            "");
  EXPECT_EQ(
      says("{cluster: a, cache: {key: [], per: [methods]}, credentials: [\"cookie:\"]}"),
      "filter.yaml:1:27: cache.key: needs at least one header, cookie:NAME or query:NAME\n"
      "filter.yaml:1:37: cache.per[0]: unknown value \"methods\"; one of: method, host, path, "
      "query, client (did you mean \"method\"?)\n"
      "filter.yaml:1:62: credentials[0]: \"\" is not the name of a cookie\n");
}

}  // namespace
}  // namespace gatehouse::filters
