// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using pipeline::HarnessFields;

constexpr char kApp[] = "https://app.example.com";
constexpr char kTwo[] = R"(
allow_origins: ["https://app.example.com", "https://*.example.org"]
allow_methods: [GET, DELETE]
allow_headers: [Authorization, content-type]
expose_headers: [X-Request-Id]
allow_credentials: true
max_age: 5m
)";

std::string HeaderOf(const FilterHarness& h, std::string_view name) {
  for (const auto& [key, value] : h.reply().headers) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

HarnessFields Preflight(const std::string& origin, const std::string& method = "DELETE") {
  return {{"origin", origin}, {"access-control-request-method", method}};
}

TEST(CorsTest, APreflightIsAnsweredHere) {
  FilterHarness h(Cors(), kTwo);
  ASSERT_EQ(h.diagnostics(), "");
  h.Request("OPTIONS", "/", Preflight(kApp));
  EXPECT_FALSE(h.forwarded());
  EXPECT_EQ(h.reply().status, 204);
  EXPECT_EQ(HeaderOf(h, "access-control-allow-origin"), kApp);
  EXPECT_EQ(HeaderOf(h, "access-control-allow-credentials"), "true");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-methods"), "GET, DELETE");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-headers"), "authorization, content-type");
  EXPECT_EQ(HeaderOf(h, "access-control-max-age"), "300");
  EXPECT_EQ(HeaderOf(h, "vary"),
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  EXPECT_EQ(h.Counter("preflights"), 1);
}

TEST(CorsTest, APreflightOfAnotherOriginIsRefused) {
  FilterHarness h(Cors(), kTwo);
  for (const char* origin :
       {"https://evil.example.com", "http://app.example.com", "https://app.example.com:8443",
        "https://app.example.com.evil.com", "https://example.org", "https://.example.org",
        "https://evil.com/.example.org", "https://a@b.example.org", "null", "", "HTTPS://APP"}) {
    h.Request("OPTIONS", "/", Preflight(origin));
    EXPECT_EQ(h.reply().status, 403) << origin;
    EXPECT_EQ(h.reply().error, ErrorCode::kDenied) << origin;
    EXPECT_EQ(HeaderOf(h, "access-control-allow-origin"), "") << origin;
  }
  EXPECT_EQ(h.Counter("denied"), 11);
}

TEST(CorsTest, OptionsWithoutWhatMakesAPreflightPass) {
  FilterHarness h(Cors(), kTwo);
  h.Request("OPTIONS", "/", {{"origin", kApp}});
  EXPECT_TRUE(h.forwarded());
  h.Request("OPTIONS", "/", {{"access-control-request-method", "GET"}});
  EXPECT_TRUE(h.forwarded());
  h.Request("GET", "/", Preflight(kApp));
  EXPECT_TRUE(h.forwarded());
}

TEST(CorsTest, ResponsesTellWhoMayReadThem) {
  FilterHarness h(Cors(), kTwo);
  h.Get("/", {{"origin", "https://a.b.example.org"}});
  h.Response(
      200,
      {{"access-control-allow-origin", "*"}, {"Access-Control-Max-Age", "1"}, {"vary", "accept"}});
  EXPECT_EQ(h.ResponseField("access-control-allow-origin"), "https://a.b.example.org");
  EXPECT_EQ(h.ResponseField("access-control-allow-credentials"), "true");
  EXPECT_EQ(h.ResponseField("access-control-expose-headers"), "x-request-id");
  EXPECT_EQ(h.ResponseField("access-control-max-age"), std::nullopt);
  EXPECT_EQ(h.ResponseField("vary"), "accept, Origin");
}

TEST(CorsTest, ResponsesToOthersVaryToo) {
  FilterHarness h(Cors(), kTwo);
  for (const HarnessFields& fields : {HarnessFields{}, HarnessFields{{"origin", "https://x.com"}},
                                      HarnessFields{{"origin", kApp}, {"origin", kApp}}}) {
    h.Get("/", fields);
    EXPECT_TRUE(h.forwarded());
    h.Response(200, {{"access-control-allow-origin", "*"}});
    EXPECT_EQ(h.ResponseField("access-control-allow-origin"), std::nullopt);
    EXPECT_EQ(h.ResponseField("vary"), "Origin");
  }
  h.Get("/");
  h.Response(200, {{"vary", "accept, ORIGIN"}});
  EXPECT_EQ(h.ResponseField("vary"), "accept, ORIGIN");
}

TEST(CorsTest, OneAnswerForAllNeedsNoVary) {
  FilterHarness h(Cors(), "{allow_origins: ['*'], allow_methods: ['*'], allow_headers: ['*']}");
  ASSERT_EQ(h.diagnostics(), "");
  h.Request("OPTIONS", "/", Preflight("https://any.com", "PUT"));
  EXPECT_EQ(HeaderOf(h, "access-control-allow-origin"), "*");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-methods"), "*");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-headers"), "*");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-credentials"), "");
  h.Get("/", {{"origin", "https://any.com"}});
  h.Response(200);
  EXPECT_EQ(h.ResponseField("access-control-allow-origin"), "*");
  EXPECT_EQ(h.ResponseField("vary"), std::nullopt);
}

// With credentials, "*" means nothing to browsers: they must see what they asked for.
TEST(CorsTest, AllWithCredentialsIsWhatWasAskedFor) {
  FilterHarness h(Cors(),
                  "{allow_origins: ['https://app.example.com'], allow_methods: ['*'], "
                  "allow_headers: ['*'], allow_credentials: true}");
  HarnessFields fields = Preflight(kApp, "PATCH");
  fields.emplace_back("access-control-request-headers", "x-a,authorization");
  h.Request("OPTIONS", "/", fields);
  EXPECT_EQ(HeaderOf(h, "access-control-allow-methods"), "PATCH");
  EXPECT_EQ(HeaderOf(h, "access-control-allow-headers"), "x-a,authorization");
  fields.back().second = "x-a; evil \"";
  h.Request("OPTIONS", "/", fields);
  EXPECT_EQ(HeaderOf(h, "access-control-allow-headers"), "");
}

TEST(CorsTest, OthersMayBeDenied) {
  FilterHarness h(Cors(), "{allow_origins: ['https://app.example.com'], deny_others: true}");
  h.Request("POST", "/", {{"origin", "https://evil.com"}, {"host", "api.example.com"}});
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(h.reply().detail, "cors does not allow the origin https://evil.com");
  h.Request("POST", "/", {{"origin", "https://api.example.com"}, {"host", "api.example.com"}});
  EXPECT_TRUE(h.forwarded()) << "a page's own host is no other origin";
  h.Get("/");
  EXPECT_TRUE(h.forwarded());
}

TEST(CorsTest, PrivateNetworksWhenAllowed) {
  HarnessFields fields = Preflight(kApp);
  fields.emplace_back("access-control-request-private-network", "true");
  FilterHarness off(Cors(), "{allow_origins: ['https://app.example.com']}");
  off.Request("OPTIONS", "/", fields);
  EXPECT_EQ(HeaderOf(off, "access-control-allow-private-network"), "");
  FilterHarness on(Cors(),
                   "{allow_origins: ['https://app.example.com'], allow_private_network: true}");
  on.Request("OPTIONS", "/", fields);
  EXPECT_EQ(HeaderOf(on, "access-control-allow-private-network"), "true");
}

TEST(CorsTest, OriginsOfManyKinds) {
  FilterHarness h(Cors(),
                  "{allow_origins: ['HTTPS://App.example.com:443', 'http://localhost:*', 'null', "
                  "'http://[::1]:3000', 'app://bundle', {regex: 'https://pr-[0-9]+[.]dev'}], "
                  "deny_others: true}");
  ASSERT_EQ(h.diagnostics(), "");
  for (const char* origin : {kApp, "http://localhost", "http://localhost:5173", "null",
                             "http://[::1]:3000", "app://bundle", "https://pr-12.dev"}) {
    h.Get("/", {{"origin", origin}});
    EXPECT_TRUE(h.forwarded()) << origin;
  }
  for (const char* origin :
       {"http://localhost:", "http://localhost:x", "http://localhost:0", "http://[::1]",
        "https://pr-12.dev.evil.com", "http://localhost.evil"}) {
    h.Get("/", {{"origin", origin}});
    EXPECT_EQ(h.reply().status, 403) << origin;
  }
}

TEST(CorsTest, ExplainsItself) {
  FilterHarness h(Cors(), kTwo);
  const auto explain = [&](std::string_view method, const HarnessFields& fields) {
    h.Request(method, "/", fields);
    return h.definition().Explain(h.request(), h.facts());
  };
  EXPECT_EQ(explain("GET", {}), "");
  EXPECT_EQ(explain("GET", {{"origin", kApp}}),
            "lets pages of https://app.example.com see the response");
  EXPECT_EQ(explain("OPTIONS", Preflight("https://x.com")),
            "refuses this preflight with 403: the origin https://x.com is not allowed");
}

}  // namespace
}  // namespace gatehouse::filters
