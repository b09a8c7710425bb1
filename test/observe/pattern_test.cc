// SPDX-License-Identifier: Apache-2.0
#include "source/observe/pattern.h"

#include <gtest/gtest.h>

#include <string>

#include "test/observe/stream_facts.h"

namespace gatehouse::observe {
namespace {

Pattern Compiled(std::string_view text, Moment moment = Moment::kEnd) {
  auto pattern = Pattern::Parse(text, moment);
  EXPECT_TRUE(pattern) << pattern.error().message;
  return pattern ? *std::move(pattern) : Pattern();
}

std::string Text(std::string_view pattern, const StreamFacts& facts = {}) {
  LogScratch scratch;
  Compiled(pattern).AppendText(facts.info, scratch);
  return std::string(scratch.line.view());
}

std::string Json(std::string_view pattern, const StreamFacts& facts = {}) {
  LogScratch scratch;
  const bool present = Compiled(pattern).AppendJson(facts.info, scratch);
  return present ? std::string(scratch.line.view()) : "(left out)";
}

std::string HeaderValue(std::string_view pattern, const StreamFacts& facts = {}) {
  LogScratch scratch;
  Compiled(pattern).AppendHeaderValue(facts.info, scratch);
  return std::string(scratch.line.view());
}

std::string Mistake(std::string_view text, Moment moment = Moment::kEnd) {
  const auto pattern = Pattern::Parse(text, moment);
  if (pattern) {
    return "(none)";
  }
  const auto& [message, suggestion] = pattern.error();
  return suggestion.empty() ? message : message + " -> " + suggestion;
}

TEST(PatternTest, OperatorsStandForTheStream) {
  EXPECT_EQ(Text("%START_TIME% %START_TIME(clf)% %START_TIME(unix_ms)%"),
            "2026-03-01T08:15:30.125Z 01/Mar/2026:08:15:30 +0000 1772352930125");
  EXPECT_EQ(Text("%METHOD% %SCHEME% %HOST% %PATH% %TARGET% %PROTOCOL%"),
            "GET http api.example.com /users/7 /users/7?debug=1 HTTP/1.1");
  EXPECT_EQ(Text("%RESPONSE_CODE% %DURATION% %BYTES_RECEIVED% %BYTES_SENT% %COMPLETE%"),
            "200 12.345 0 1234 true");
  EXPECT_EQ(Text("%CLIENT_IP% %PEER% %PEER_IP%"), "192.0.2.7 192.0.2.7:40000 192.0.2.7");
  EXPECT_EQ(Text("%LISTENER% %ROUTE% %CLUSTER% %ENDPOINT% %ATTEMPTS%"),
            "web users users 10.0.0.3:9002 1");
  EXPECT_EQ(Text("%UPSTREAM_STATUS% %UPSTREAM_DURATION%"), "200 11.000");
}

TEST(PatternTest, HeadersByNameInAnyCase) {
  StreamFacts facts;
  facts.response["x-cache"] = "hit";
  EXPECT_EQ(Text("%REQ(User-Agent)% %RESP(X-Cache)%", facts), "curl/8.5 hit");
  EXPECT_EQ(Text("%REQ(user-agent):4%|", facts), "curl|");
}

TEST(PatternTest, EnvoysPseudoHeadersAreUnderstood) {
  EXPECT_EQ(Text("%REQ(:METHOD)% %REQ(:path)% %REQ(:authority)%"),
            "GET /users/7?debug=1 api.example.com");
}

TEST(PatternTest, PercentSignsAreDoubled) {
  EXPECT_EQ(Text("100%% of %METHOD%%%"), "100% of GET%");
  const Pattern constant = Compiled("a%%b");
  EXPECT_TRUE(constant.IsConstant());
  EXPECT_EQ(constant.constant(), "a%b");
  EXPECT_EQ(Pattern().constant(), "");
}

TEST(PatternTest, WhatIsMissingIsADash) {
  StreamFacts facts;
  facts.info.attempts = 0;
  facts.info.upstream_status = 0;
  EXPECT_EQ(Text("%ERROR% %ERROR_DETAIL% %REQUEST_ID% %REQ(x)% %UPSTREAM_DURATION%", facts),
            "- - - - -");
  facts.info.headers = nullptr;
  EXPECT_EQ(Text("%REQ(x)%%RESP(x)%", facts), "--");
  facts.info.error = ErrorCode::kConnectFailed;
  EXPECT_EQ(Text("%ERROR%", facts), "connect_failed");
}

TEST(PatternTest, ARefusedRequestShowsThePathItAskedFor) {
  StreamFacts facts;
  facts.info.path = {};
  EXPECT_EQ(Text("%PATH%", facts), "/users/7");
}

TEST(PatternTest, TextLinesCannotBeForged) {
  StreamFacts facts;
  facts.request["user-agent"] = "a\"b\\c\nd\te\x7f\xc3\xa9";
  EXPECT_EQ(Text("\"%REQ(user-agent)%\"", facts), "\"a\\x22b\\x5cc\\x0ad\\x09e\\x7f\\xc3\\xa9\"");
  // Wherever the byte stands: values are looked at eight bytes at a time.
  for (const char bad : {'\n', '"', '\\', '\x1f', '\x7f', '\x80'}) {
    for (size_t at = 0; at < 20; ++at) {
      facts.request["user-agent"] = std::string(20, 'a');
      facts.request["user-agent"][at] = bad;
      EXPECT_EQ(Text("%REQ(user-agent)%", facts).find(bad == '\\' ? '\n' : bad), std::string::npos);
      EXPECT_EQ(Text("%REQ(user-agent)%", facts).size(), 23u);
    }
  }
}

TEST(PatternTest, JsonKeepsNumbersAndEscapesStrings) {
  StreamFacts facts;
  facts.request["user-agent"] = "a\"\n\xc3\xa9\xff";
  EXPECT_EQ(Json("%RESPONSE_CODE%"), "200");
  EXPECT_EQ(Json("%DURATION%"), "12.345");
  EXPECT_EQ(Json("%COMPLETE%"), "true");
  EXPECT_EQ(Json("%METHOD%"), "\"GET\"");
  EXPECT_EQ(Json("%ERROR%"), "(left out)");
  EXPECT_EQ(Json("v%RESPONSE_CODE% %ERROR%"), "\"v200 -\"");
  EXPECT_EQ(Json("plain \"text\""), "\"plain \\\"text\\\"\"");
  EXPECT_EQ(Json("%REQ(user-agent)%", facts), "\"a\\\"\\u000a\xc3\xa9\\ufffd\"");
}

TEST(PatternTest, ValuesOfEveryLengthAreCopiedWhole) {
  StreamFacts facts;
  std::string value;
  for (char c = 'a'; c <= 'z'; ++c) {
    value.push_back(c);
    facts.request["x"] = value;
    EXPECT_EQ(Text("<%REQ(x)%>", facts), "<" + value + ">");
    EXPECT_EQ(Json("%REQ(x)%", facts), "\"" + value + "\"");
    EXPECT_EQ(Text(value + "%METHOD%", facts), value + "GET");
  }
}

TEST(PatternTest, HeaderValuesCannotBeSplit) {
  StreamFacts facts;
  facts.request["user-agent"] = "a\r\nset-cookie: x";
  EXPECT_EQ(HeaderValue("<%REQ(user-agent)%>", facts), "<a  set-cookie: x>");
  EXPECT_EQ(HeaderValue("%ERROR%", facts), "");
}

TEST(PatternTest, LongValuesAreCutInLogs) {
  StreamFacts facts;
  facts.request["user-agent"] = std::string(100'000, 'x');
  EXPECT_EQ(Text("%REQ(user-agent)%", facts).size(), Pattern::kMaxLoggedBytes);
  EXPECT_EQ(Json("%REQ(user-agent)%", facts).size(), Pattern::kMaxLoggedBytes + 2);
  EXPECT_EQ(HeaderValue("%REQ(user-agent)%", facts).size(), 100'000u);
}

// Somebody whose credentials try to forge things.
struct Caller {
  Caller() { facts.info.identity = &identity; }
  const std::string_view groups[3] = {"ops", "on call", "a\r\nx: y"};
  const IdentityValue claims[4] = {
      {"tenant", "acme"}, {"roles", "r"}, {"roles", "w"}, {"bad", "a\r\nset-cookie: x"}};
  Identity identity = {.kind = IdentityKind::kApiKey,
                       .filter = "keys",
                       .subject = "alice",
                       .groups = groups,
                       .claims = claims};
  StreamFacts facts;
};

TEST(PatternTest, WhoIsCalling) {
  Caller caller;
  EXPECT_EQ(Text("%IDENTITY(subject)% %IDENTITY(kind)% %IDENTITY(filter)%", caller.facts),
            "alice api_key keys");
  EXPECT_EQ(Text("%IDENTITY(claims.tenant)% %IDENTITY(claims.roles)% %IDENTITY(attributes.plan)%",
                 caller.facts),
            "acme r,w -");
  EXPECT_EQ(Text("%IDENTITY(subject):3%", caller.facts), "ali");
  EXPECT_EQ(Json("%IDENTITY(claims.roles)%", caller.facts), "\"r,w\"");
  EXPECT_EQ(Json("%IDENTITY(claims.role)%", caller.facts), "(left out)");
  EXPECT_EQ(Json("%IDENTITY(groups)%", caller.facts), "\"ops,on call,a\\u000d\\u000ax: y\"");
  EXPECT_EQ(Text("%IDENTITY(subject)% %IDENTITY(groups)%"), "- -");
  EXPECT_EQ(Json("%IDENTITY(subject)%"), "(left out)");
}

TEST(PatternTest, WhoIsCallingForgesNothing) {
  Caller caller;
  EXPECT_EQ(Text("%IDENTITY(groups)% \"%IDENTITY(groups)%\" %IDENTITY(groups)%", caller.facts),
            "ops,on\\x20call,a\\x0d\\x0ax:\\x20y \"ops,on call,a\\x0d\\x0ax: y\" "
            "ops,on\\x20call,a\\x0d\\x0ax:\\x20y");
  EXPECT_EQ(HeaderValue("%IDENTITY(claims.bad)%|%IDENTITY(groups)%", caller.facts),
            "a  set-cookie: x|ops,on call,a  x: y");
}

TEST(PatternTest, MistakesSayWhatIsWrong) {
  EXPECT_EQ(Mistake("%IDENTITY%"), "%IDENTITY% needs to know what of it -> %IDENTITY(subject)%");
  EXPECT_EQ(Mistake("%IDENTITY(name)%"),
            "expected subject, kind, filter, groups, claims.NAME or attributes.NAME, got \"name\"");
  EXPECT_EQ(Mistake("%REMOTE_USER%"), "unknown operator %REMOTE_USER% -> %IDENTITY(subject)%");

  EXPECT_EQ(Mistake("%METHD%"), "unknown operator %METHD% -> %METHOD%");
  EXPECT_EQ(Mistake("%UPSTREAM_HOST%"), "unknown operator %UPSTREAM_HOST% -> %ENDPOINT%");
  EXPECT_EQ(Mistake("%RESPONSE_FLAGS%"), "unknown operator %RESPONSE_FLAGS% -> %ERROR%");
  EXPECT_EQ(Mistake("%REQ%"), "%REQ% needs the name of a header -> %REQ(user-agent)%");
  EXPECT_EQ(Mistake("%REQ(a b)%"), "\"a b\" is not the name of a header");
  EXPECT_EQ(Mistake("%REQ(a?b)%"), "\"a?b\" is not the name of a header");
  EXPECT_EQ(Mistake("%METHOD(x)%"), "%METHOD% takes no argument");
  EXPECT_EQ(Mistake("%START_TIME(%Y)%"),
            "unknown time format \"%Y\"; one of: rfc3339, clf, unix_ms");
  EXPECT_EQ(Mistake("%REQ(a):x%"), "\":x\" must say how many bytes are kept, such as :40");
  EXPECT_EQ(Mistake("50% off"),
            "\"% off\" starts an operator that does not end; a percent sign is written %%");
  EXPECT_EQ(Mistake("%"),
            "\"%\" starts an operator that does not end; a percent sign is written %%");
  EXPECT_EQ(Mistake("%REQ(a%"),
            "\"%REQ(a%\" starts an operator that does not end; a percent sign is written %%");
}

TEST(PatternTest, WhatIsNotKnownYetIsRefused) {
  EXPECT_EQ(Mistake("%DURATION%", Moment::kResponse),
            "%DURATION% is known only when the stream has ended: logs can use it");
  EXPECT_EQ(Mistake("%RESP(a)%", Moment::kRequest),
            "%RESP% is known only when the response has come");
  EXPECT_EQ(Mistake("%RESP(a)% %RESPONSE_CODE% %ENDPOINT%", Moment::kResponse), "(none)");
  EXPECT_EQ(Mistake("%CLIENT_IP%", Moment::kRequest), "(none)");
}

TEST(PatternTest, EveryOperatorCanBeWritten) {
  for (const Operator& row : Operators()) {
    std::string text = "%" + std::string(row.name);
    text += row.argument == Operator::Argument::kHeader     ? "(x)%"
            : row.argument == Operator::Argument::kIdentity ? "(subject)%"
                                                            : "%";
    EXPECT_EQ(Mistake(text), "(none)");
    EXPECT_NE(Text(text), "") << row.name;
    EXPECT_EQ(Json(text).starts_with('"'), !row.bare && Json(text) != "(left out)") << row.name;
  }
}

}  // namespace
}  // namespace gatehouse::observe
