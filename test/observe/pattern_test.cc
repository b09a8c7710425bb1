// SPDX-License-Identifier: Apache-2.0
#include "source/observe/pattern.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

TEST(PatternTest, StagesOfAStream) {
  StreamFacts facts;
  facts.info.request_duration = std::chrono::microseconds(1001);
  facts.info.filters_duration = std::chrono::microseconds(1002);
  facts.info.connect_duration = std::chrono::microseconds(1003);
  facts.info.response_wait = std::chrono::microseconds(1004);
  facts.info.response_duration = std::chrono::microseconds(1005);
  EXPECT_EQ(Text("%REQUEST_DURATION% %FILTERS_DURATION% %CONNECT_DURATION% %RESPONSE_WAIT% "
                 "%RESPONSE_DURATION% %GATEWAY_DURATION%",
                 facts),
            "1.001 1.002 1.003 1.004 1.005 1.345");
  EXPECT_EQ(Json("%RESPONSE_WAIT%", facts), "1.004");
  facts.info.upstream_status = 0;
  EXPECT_EQ(Json("%RESPONSE_DURATION%", facts), "(left out)");
  facts.info.attempts = 0;
  EXPECT_EQ(Json("%CONNECT_DURATION%", facts), "(left out)");
  EXPECT_EQ(Json("%RESPONSE_WAIT%", facts), "(left out)");
  facts.info.upstream_duration = facts.info.duration + Duration(1);
  EXPECT_EQ(Text("%GATEWAY_DURATION%", facts), "0.000");
}

TEST(PatternTest, WhatFiltersDecided) {
  StreamFacts facts;
  EXPECT_EQ(Json("%VERDICTS%", facts), "(left out)");
  EXPECT_EQ(Text("%VERDICTS% %FILTER% %BREAKER% %FALLBACK%", facts), "- - - -");
  FilterVerdict late{"login", "kept"};
  FilterVerdict gate{"gate", "denied by rule \"x\"", &late};
  FilterVerdict login{"login", "allowed", &gate};
  facts.info.verdicts = &login;
  facts.info.answered_by = "gate";
  facts.info.breaker = "half_open";
  facts.info.fallback = "circuit_open";
  EXPECT_EQ(Json("%VERDICTS%", facts),
            "{\"login\":\"allowed; kept\",\"gate\":\"denied by rule \\\"x\\\"\"}");
  EXPECT_EQ(Text("%VERDICTS%", facts),
            "login=allowed;\\x20kept,gate=denied\\x20by\\x20rule\\x20\\x22x\\x22");
  EXPECT_EQ(Text("\"%VERDICTS:13%\"", facts), "\"login=allowed\"");
  EXPECT_EQ(Json("%VERDICTS:13%", facts), "\"login=allowed\"");
  EXPECT_EQ(Json("v %VERDICTS:13%", facts), "\"v login=allowed\"");
  EXPECT_EQ(Text("%FILTER% %BREAKER% %FALLBACK%", facts), "gate half_open circuit_open");
}

TEST(PatternTest, WhereTheCallerStandsWithALimit) {
  StreamFacts facts;
  EXPECT_EQ(Text("%LIMIT% %LIMIT_REMAINING% %LIMIT_RESET% %LIMIT_FILTER%", facts), "- - - -");
  facts.info.limit = {"per_ip", 100, 0, std::chrono::milliseconds(2500)};
  EXPECT_EQ(Text("%LIMIT% %LIMIT_REMAINING% %LIMIT_RESET% %LIMIT_FILTER%", facts),
            "100 0 2500.000 per_ip");
  EXPECT_EQ(Json("%LIMIT_REMAINING%", facts), "0");
}

TEST(PatternTest, Labels) {
  StreamFacts facts;
  EXPECT_EQ(Text("%LABELS% %LABEL(version)%", facts), "- -");
  const std::vector<std::pair<std::string, std::string>> labels = {{"version", "v2"},
                                                                   {"zone", "a\"b"}};
  facts.info.labels = &labels;
  EXPECT_EQ(Text("%LABELS% %LABEL(version)% %LABEL(none)%", facts), "version=v2,zone=a\\x22b v2 -");
  EXPECT_EQ(Json("%LABELS%", facts), "{\"version\":\"v2\",\"zone\":\"a\\\"b\"}");
  EXPECT_EQ(Mistake("%LABEL%"), "%LABEL% needs the name of a label -> %LABEL(version)%");
}

TEST(PatternTest, SecretsAreHiddenWhereItIsAskedFor) {
  StreamFacts facts;
  facts.info.target = "/cb?code=s3cret&page=2";
  facts.request["authorization"] = "Bearer s3cret";
  facts.request["x-own"] = "s3cret";
  facts.request["referer"] = "http://a.test/?token=s3cret";
  constexpr std::string_view kAll =
      "%TARGET% %REQ(authorization)% %REQ(x-own)% %REQ(referer)% %REQ(authorization):8%";
  const auto shown = [&](const std::shared_ptr<Secrets>& secrets) {
    LogScratch scratch;
    Pattern::Parse(kAll, Moment::kEnd, secrets)->AppendText(facts.info, scratch);
    return std::string(scratch.line.view());
  };
  EXPECT_EQ(shown(nullptr),
            "/cb?code=s3cret&page=2 Bearer s3cret s3cret http://a.test/?token=s3cret Bearer s");
  const auto secrets = std::make_shared<Secrets>();
  EXPECT_EQ(shown(secrets),
            "/cb?code=***&page=2 Bearer *** s3cret http://a.test/?token=*** Bearer *");
  // Also in patterns that there are already.
  LogScratch scratch;
  const Pattern own = *Pattern::Parse("%REQ(x-own)%", Moment::kEnd, secrets);
  secrets->HideHeader("X-Own");
  own.AppendText(facts.info, scratch);
  EXPECT_EQ(scratch.line.view(), "***");
}

TEST(PatternTest, NamesFromElsewhereLeadHere) {
  EXPECT_EQ(Mistake("%RESPONSE_TX_DURATION%"),
            "unknown operator %RESPONSE_TX_DURATION% -> %RESPONSE_DURATION%");
  EXPECT_EQ(Mistake("%Tc%"), "unknown operator %Tc% -> %CONNECT_DURATION%");
  EXPECT_EQ(Mistake("%upstream_header_time%"),
            "unknown operator %upstream_header_time% -> %RESPONSE_WAIT%");
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
            : row.argument == Operator::Argument::kLabel    ? "(x)%"
                                                            : "%";
    EXPECT_EQ(Mistake(text), "(none)");
    EXPECT_NE(Text(text), "") << row.name;
    EXPECT_EQ(Json(text).starts_with('"'), !row.bare && Json(text) != "(left out)") << row.name;
  }
}

}  // namespace
}  // namespace gatehouse::observe
