// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

std::string MistakesOf(std::string_view yaml) {
  return FilterHarness(HeaderEdits(), yaml).diagnostics();
}

TEST(HeadersTest, RemovesSetsAndAdds) {
  FilterHarness h(HeaderEdits(),
                  "request:\n"
                  "  remove: [X-Internal]\n"
                  "  set: {X-Via: gatehouse, accept: text/plain}\n"
                  "  add: {x-tag: one}\n");
  EXPECT_EQ(h.diagnostics(), "");
  h.Get("/", {{"x-internal", "1"}, {"Accept", "*/*"}, {"X-Tag", "zero"}, {"x-other", "kept"}});
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.RequestField("x-internal"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-via"), "gatehouse");
  EXPECT_EQ(h.RequestField("accept"), "text/plain");
  EXPECT_EQ(h.RequestField("x-tag"), "zero, one");
  EXPECT_EQ(h.RequestField("x-other"), "kept");
}

TEST(HeadersTest, RemovingComesBeforeAdding) {
  FilterHarness h(HeaderEdits(), "request: {add: {x-a: new}, remove: [x-a]}");
  h.Get("/", {{"x-a", "old"}});
  EXPECT_EQ(h.RequestField("x-a"), "new");
}

TEST(HeadersTest, ResponsesToo) {
  FilterHarness h(HeaderEdits(),
                  "response: {set: {x-status: \"%RESPONSE_CODE% of %RESP(x-from)%\"}, "
                  "remove: [server]}");
  h.Get();
  h.Response(201, {{"server", "nginx"}, {"x-from", "upstream"}});
  EXPECT_TRUE(h.responded());
  EXPECT_EQ(h.ResponseField("server"), std::nullopt);
  EXPECT_EQ(h.ResponseField("x-status"), "201 of upstream");
}

TEST(HeadersTest, ValuesMayTellOfTheRequest) {
  FilterHarness h(HeaderEdits(),
                  "request: {set: {x-client: \"%CLIENT_IP%\", x-what: \"%METHOD% %PATH% 100%%\", "
                  "x-agent: \"%REQ(user-agent)%\", x-host: \"%REQ(host)%\", "
                  "x-request-id: \"%REQUEST_ID%\"}}");
  EXPECT_EQ(h.diagnostics(), "");
  h.ConnectThrough("10.0.0.1", "2001:db8::7");
  h.Get("/a?b", {{"user-agent", "curl"}});
  EXPECT_EQ(h.RequestField("x-client"), "2001:db8::7");
  EXPECT_EQ(h.RequestField("x-what"), "GET /a 100%");
  EXPECT_EQ(h.RequestField("x-agent"), "curl");
  EXPECT_EQ(h.RequestField("x-host"), "example.com");
  EXPECT_EQ(h.RequestField("x-request-id"), "0000000000000001");
}

TEST(HeadersTest, AnEmptyValueLeavesNothingToTheClient) {
  FilterHarness h(HeaderEdits(),
                  "request: {set: {x-user: \"%REQ(x-verified)%\"}, add: {x-more: \"%ROUTE%\"}}");
  h.Get("/", {{"x-user", "admin"}});
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-more"), std::nullopt);
}

TEST(HeadersTest, ValuesCannotSplitAMessage) {
  FilterHarness h(HeaderEdits(), "request: {set: {x-copy: \"%REQ(x-odd)%\"}}");
  h.Get("/", {{"x-odd", "a\r\nset-cookie: b"}});
  EXPECT_EQ(h.RequestField("x-copy"), "a  set-cookie: b");
}

TEST(HeadersTest, WhoIsCallingIsForTheGatewayToSay) {
  FilterHarness h(
      HeaderEdits(),
      "request: {set: {x-user: \"%IDENTITY(subject)%\", x-groups: \"%IDENTITY(groups)%\", "
      "x-tenant: \"%IDENTITY(claims.tenant)%\"}}");
  EXPECT_EQ(h.diagnostics(), "");
  constexpr std::string_view kGroups[] = {"ops", "staff"};
  constexpr observe::IdentityValue kClaims[] = {{"tenant", "acme\r\nx-admin: 1"}};
  const observe::Identity alice = {
      .filter = "keys", .subject = "alice", .groups = kGroups, .claims = kClaims};
  h.facts().identity = &alice;
  h.Get("/", {{"x-user", "root"}, {"x-groups", "admins"}});
  EXPECT_EQ(h.RequestField("x-user"), "alice");
  EXPECT_EQ(h.RequestField("x-groups"), "ops,staff");
  EXPECT_EQ(h.RequestField("x-tenant"), "acme  x-admin: 1");
  EXPECT_EQ(h.RequestField("x-admin"), std::nullopt);
  h.End();
  h.facts().identity = nullptr;
  h.Get("/", {{"x-user", "root"}, {"x-groups", "admins"}});
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(h.RequestField("x-groups"), std::nullopt);
}

TEST(HeadersTest, WhatIsNotAskedForCostsNoCall) {
  const FilterHarness h(HeaderEdits(), "response: {set: {x-a: b}}");
  EXPECT_FALSE(h.definition().phases().request_headers);
  EXPECT_TRUE(h.definition().phases().response_headers);
  EXPECT_FALSE(h.definition().phases().request_body);
}

TEST(HeadersTest, FramingAndConnectionFieldsAreRefused) {
  EXPECT_EQ(MistakesOf("request: {set: {Content-Length: \"5\", host: a}, remove: [connection]}"),
            "filter.yaml:1:17: request.set.Content-Length: \"Content-Length\" says how the message "
            "is framed: the gateway writes it itself\n"
            "filter.yaml:1:38: request.set.host: \"host\" names where the request goes: a route's "
            "`rewrite` changes it\n"
            "filter.yaml:1:57: request.remove[0]: \"connection\" belongs to one connection: the "
            "gateway writes it itself\n");
  for (const char* name : {"transfer-encoding", "te", "trailer", "upgrade", "keep-alive",
                           "proxy-connection", "http2-settings", "expect"}) {
    EXPECT_NE(MistakesOf("response: {remove: [" + std::string(name) + "]}"), "") << name;
  }
}

TEST(HeadersTest, Mistakes) {
  EXPECT_EQ(MistakesOf("request: {set: {\"a b\": x}, remove: [\":path\", \"\"]}"),
            "filter.yaml:1:17: request.set[\"a b\"]: \"a b\" is not the name of a header field\n"
            "filter.yaml:1:37: request.remove[0]: \":path\" is not the name of a header field\n"
            "filter.yaml:1:46: request.remove[1]: \"\" is not the name of a header field\n");
  EXPECT_EQ(MistakesOf("request: {add: {x-a: \"b\\r\\nc\"}}"),
            "filter.yaml:1:17: request.add.x-a: a header field can't hold line breaks or control "
            "characters\n");
  EXPECT_EQ(MistakesOf("request: {set: {x-a: \"\", x-b: 1, X-B: 2}}"),
            "filter.yaml:1:17: request.set.x-a: is empty; `remove` takes a field away\n"
            "filter.yaml:1:34: request.set.X-B: is given twice: the case of a field's name doesn't "
            "count\n");
  EXPECT_EQ(MistakesOf("request: {set: {x-a: \"%DURATION%\", x-b: \"%METHD%\"}}"),
            "filter.yaml:1:17: request.set.x-a: %DURATION% is known only when the stream has "
            "ended: logs can use it\n"
            "filter.yaml:1:36: request.set.x-b: unknown operator %METHD% (did you mean "
            "\"%METHOD%\"?)\n");
  EXPECT_EQ(MistakesOf("requests: {}"),
            "filter.yaml:1:1: requests: unknown key (did you mean \"request\"?)\n");
}

}  // namespace
}  // namespace gatehouse::filters
