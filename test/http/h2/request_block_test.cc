// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "test/http/h2/blocks.h"

namespace gatehouse::http {
namespace {

class RequestBlockTest : public testing::Test {
 protected:
  RequestBlockTest() { limits_.websocket = true; }

  RequestHead& Begin() {
    auto* head = arena_.New<RequestHead>(arena_);
    block_.Begin(*head);
    return *head;
  }
  // Why `pairs` are refused; "" when they aren't.
  std::string Refusal(const Pairs& pairs, bool end = true) {
    Begin();
    return Feed(block_, pairs, end);
  }
  ErrorCode RefusalCode(const Pairs& pairs, bool end = true) {
    Begin();
    for (const auto& [name, value] : pairs) {
      block_.Add(name, value, false);
    }
    return block_.Finish(end).code;
  }
  RequestHead& Taken(const Pairs& pairs, bool end = true) {
    RequestHead& head = Begin();
    EXPECT_EQ(Feed(block_, pairs, end), "");
    return head;
  }

  CodecLimits limits_;
  ArenaPool pool_;
  Arena arena_{pool_};
  RequestBlock block_{limits_};
};

TEST_F(RequestBlockTest, AHeadHasAllItsParts) {
  const RequestHead& head =
      Taken(Request({{"accept", "*/*"}, {"x-a", "b \t\xff"}, {"te", "trailers"}}, "GET",
                    "/a%20b?c=?d", "A.Test:8443"));
  EXPECT_EQ(head.version, Version::kHttp2);
  EXPECT_EQ(head.method, Method::kGet);
  EXPECT_EQ(head.method_name, "GET");
  EXPECT_EQ(head.scheme, "https");
  EXPECT_EQ(head.authority, "A.Test:8443");
  EXPECT_EQ(head.host, "a.test");
  EXPECT_EQ(head.target, "/a%20b?c=?d");
  EXPECT_EQ(head.path, "/a%20b");
  EXPECT_EQ(head.query, "c=?d");
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(Lines(head.headers), "host: A.Test:8443\naccept: */*\nx-a: b \t\xff\nte: trailers\n");
}

TEST_F(RequestBlockTest, NamesAreTokensInLowerCase) {
  for (const std::string name :
       {"",      "X-Upper", "a b", "a:b", "a\r", "a\n", "a\r\nb", "a\tb", " a",  "a ",
        "a\x7f", "a\x80",   "a,b", "a;b", "a\"", "a(",  "a/b",    "a@b",  "a=b", "a{b"}) {
    EXPECT_EQ(Refusal(Request({{name, "v"}})), "a field name is not a token in lower case")
        << testing::PrintToString(name);
  }
  EXPECT_EQ(RefusalCode(Request({{std::string("a\0b", 3), "v"}})), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal(Request({{"a!#$%&'*+-.^_`|~09", "v"}})), "");
}

TEST_F(RequestBlockTest, ValuesHaveNoControlsAndNoBlanksAround) {
  for (const std::string& value :
       {std::string("a\r\nx: y"), std::string("a\r"), std::string("a\n"), std::string("\n"),
        std::string("a\0b", 3), std::string("a\x01"), std::string("a\x7f"), std::string(" a"),
        std::string("a "), std::string("\ta"), std::string("a\t"), std::string(" ")}) {
    EXPECT_EQ(Refusal(Request({{"x-a", value}})),
              "a field value has a control character or begins or ends with whitespace")
        << testing::PrintToString(value);
    EXPECT_EQ(RefusalCode(Request({{"cookie", value}})), ErrorCode::kMalformedRequest);
  }
  EXPECT_EQ(Refusal(Request({{"x-a", ""}, {"x-b", "a b\tc"}})), "");
}

TEST_F(RequestBlockTest, PseudoHeaderFieldsAreKnownFirstAndOnce) {
  const Pairs whole = Request();
  for (const Pair& pseudo : whole) {
    Pairs twice = whole;
    twice.push_back(pseudo);
    EXPECT_EQ(Refusal(twice), "a pseudo-header field comes twice") << pseudo.first;
    Pairs late;
    for (const Pair& pair : whole) {
      if (pair != pseudo) {
        late.push_back(pair);
      }
    }
    late.emplace_back("x-a", "b");
    late.push_back(pseudo);
    EXPECT_EQ(Refusal(late), "a pseudo-header field comes behind other fields") << pseudo.first;
  }
  for (const std::string name : {":status", ":unknown", ":", ":Method", ":host", ":path "}) {
    Pairs pairs = whole;
    pairs.insert(pairs.begin(), {name, "200"});
    EXPECT_EQ(Refusal(pairs), "a pseudo-header field that requests don't have") << name;
  }
}

TEST_F(RequestBlockTest, NoneOfThemMayBeMissing) {
  EXPECT_EQ(Refusal({{":scheme", "http"}, {":authority", "a"}, {":path", "/"}}), "no :method");
  EXPECT_EQ(Refusal({{":method", "GET"}, {":authority", "a"}, {":path", "/"}}), "no :scheme");
  EXPECT_EQ(Refusal({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}),
            "the request target is empty or has bytes that no URI has");
  EXPECT_EQ(Refusal({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), "no Host");
  EXPECT_EQ(Refusal({}), "no :method");
}

TEST_F(RequestBlockTest, MethodsAndSchemesAreWhatTheyMayBe) {
  for (const std::string method : {"", "GET ", "G ET", "GET\r\n", "GE/T", "GET / HTTP/1.1\r\nx:"}) {
    EXPECT_EQ(RefusalCode(Request({}, method)), ErrorCode::kMalformedRequest) << method;
  }
  EXPECT_EQ(Taken(Request({}, "get")).method, Method::kOther);
  for (const std::string scheme : {"", "ftp", "http\r\n", "https ", "http://a"}) {
    EXPECT_EQ(
        RefusalCode({{":method", "GET"}, {":scheme", scheme}, {":authority", "a"}, {":path", "/"}}),
        ErrorCode::kMalformedRequest)
        << scheme;
  }
  EXPECT_EQ(
      Taken({{":method", "GET"}, {":scheme", "HTTP"}, {":authority", "a"}, {":path", "/"}}).scheme,
      "http");
}

TEST_F(RequestBlockTest, TargetsAreThoseOfHttp1InOriginForm) {
  for (const std::string path : {"", "t", "*", "http://a.test/", "?q", "/a b", "/a\r\nHost: b",
                                 "/a\n", "/#f", "/a\tb", "/a\x7f", "/a\x80", " /"}) {
    EXPECT_EQ(RefusalCode(Request({}, "GET", path)), ErrorCode::kMalformedRequest) << path;
  }
  EXPECT_EQ(RefusalCode(Request({}, "GET", std::string("/\0", 2))), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Taken(Request({}, "OPTIONS", "*")).target, "*");
  EXPECT_EQ(Taken(Request({}, "GET", "//a")).path, "//a");
  EXPECT_EQ(RefusalCode(Request({}, "GET", "/" + std::string(limits_.max_header_bytes, 'a'))),
            ErrorCode::kTargetTooLong);
}

TEST_F(RequestBlockTest, HostAndAuthorityAgree) {
  EXPECT_EQ(Lines(Taken(Request({{"host", "A.TEST"}})).headers), "host: a.test\n");
  EXPECT_EQ(Refusal(Request({{"host", "b.test"}})), "Host and :authority differ");
  EXPECT_EQ(Refusal(Request({{"host", ""}})), "Host and :authority differ");
  EXPECT_EQ(Refusal(Request({{"host", "a.test"}, {"host", "a.test"}})), "more than one Host");
  EXPECT_EQ(Refusal(Request({{"host", "a.test"}, {"x-a", "b"}, {"host", "b"}})),
            "more than one Host");
  const Pairs no_authority = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}};
  Pairs only_host = no_authority;
  only_host.emplace_back("host", "h.test:1");
  EXPECT_EQ(Taken(only_host).authority, "h.test:1");
  EXPECT_EQ(Taken(only_host).host, "h.test");
  only_host.emplace_back("host", "h.test:1");
  EXPECT_EQ(Refusal(only_host), "more than one Host");
  for (const std::string authority : {"", "user@a.test", "a.test:x", "a.test/", "a test",
                                      "a.test\r\n", "a,b", "a.test:70000", "[::1", "a%20b"}) {
    EXPECT_EQ(RefusalCode(Request({}, "GET", "/", authority)), ErrorCode::kMalformedRequest)
        << authority;
  }
}

TEST_F(RequestBlockTest, FieldsOfAConnectionAreRefused) {
  for (const std::string name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    EXPECT_EQ(Refusal(Request({{name, "close"}})), "a field that belongs to a connection of HTTP/1")
        << name;
  }
  EXPECT_EQ(RefusalCode(Request({{"transfer-encoding", "chunked"}})), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal(Request({{"te", "trailers"}})), "");
  for (const std::string te : {"", "gzip", "trailers, deflate", "trailers;q=0.5"}) {
    EXPECT_EQ(Refusal(Request({{"te", te}})), "TE says something other than 'trailers'") << te;
  }
}

TEST_F(RequestBlockTest, NamesThatLookLikeKnownOnesAreLeftOut) {
  EXPECT_EQ(Lines(Taken(Request({{"content_length", "5"}, {"x_a", "b"}})).headers),
            "host: a.test\nx_a: b\n");
}

TEST_F(RequestBlockTest, ContentLengthIsOneNumberAndRight) {
  for (const std::string length :
       {"", "+5", "-5", "5a", "0x5", "5 5", "5,5", "5, 5", "18446744073709551616", "1e3"}) {
    EXPECT_EQ(Refusal(Request({{"content-length", length}}), false),
              "Content-Length is not a number of bytes")
        << length;
  }
  const Pairs twice = {{"content-length", "5"}, {"content-length", "5"}};
  EXPECT_EQ(Refusal(Request(twice), false), "more than one Content-Length");
  const RequestHead& head = Taken(Request({{"content-length", "5"}}, "POST"), false);
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_EQ(Refusal(Request({{"content-length", "5"}})), "less content than Content-Length says");
  EXPECT_EQ(Taken(Request({{"content-length", "0"}})).framing, Framing::kLength);
  EXPECT_EQ(Taken(Request({}, "POST"), false).framing, Framing::kChunked);
}

TEST_F(RequestBlockTest, CrumbsOfCookiesAreJoined) {
  EXPECT_EQ(Lines(Taken(Request({{"cookie", "a=1"},
                                 {"x-a", "b"},
                                 {"cookie", "c=2; d=3"},
                                 {"cookie", ""},
                                 {"cookie", "e=4"}}))
                      .headers),
            "host: a.test\nx-a: b\ncookie: a=1; c=2; d=3; e=4\n");
  EXPECT_EQ(Lines(Taken(Request({{"cookie", ""}})).headers), "host: a.test\ncookie: \n");
}

TEST_F(RequestBlockTest, SizesAreLimited) {
  limits_.max_headers = 3;
  const Pairs three = {{"x-a", ""}, {"x-b", ""}, {"x-c", ""}};
  EXPECT_EQ(RefusalCode(Request(three)), ErrorCode::kNone);
  Pairs four = three;
  four.emplace_back("x-d", "");
  EXPECT_EQ(RefusalCode(Request(four)), ErrorCode::kHeadersTooLarge);
  four.back().first = "cookie";
  EXPECT_EQ(RefusalCode(Request(four)), ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(RefusalCode(Request(Pairs(512, {"cookie", "a"}))), ErrorCode::kNone);
  EXPECT_EQ(RefusalCode(Request(Pairs(513, {"cookie", "a"}))), ErrorCode::kHeadersTooLarge);
  // Counted as RFC 9113 section 6.5.2 says.
  limits_.max_header_bytes = 32 * 5 + 10 + 12 + 16 + 7 + 10;
  EXPECT_EQ(RefusalCode(Request({{"x-a", "1234567"}})), ErrorCode::kNone);
  EXPECT_EQ(RefusalCode(Request({{"x-a", "12345678"}})), ErrorCode::kHeadersTooLarge);
}

TEST_F(RequestBlockTest, ABombIsNoticedWhileItGoesOff) {
  Begin();
  const std::string large(4000, 'a');
  for (int i = 0; i < 17; ++i) {
    block_.Add("x-a", large, false);
  }
  const size_t bytes = arena_.bytes();
  EXPECT_FALSE(block_.is_excessive());
  for (int i = 0; i < 100000; ++i) {
    block_.Add("x-a", large, false);
  }
  EXPECT_TRUE(block_.is_excessive());
  EXPECT_EQ(arena_.bytes(), bytes) << "what is refused is not kept";
}

TEST_F(RequestBlockTest, OneExpectationIsKnown) {
  EXPECT_TRUE(Taken(Request({{"expect", "100-Continue"}}, "PUT"), false).expects_continue);
  EXPECT_EQ(RefusalCode(Request({{"expect", "200-ok"}})), ErrorCode::kExpectationFailed);
}

TEST_F(RequestBlockTest, ConnectAndTraceAreNotServed) {
  EXPECT_EQ(RefusalCode({{":method", "CONNECT"}, {":authority", "a.test:443"}}, false),
            ErrorCode::kMethodNotSupported);
  EXPECT_EQ(RefusalCode(Request({}, "CONNECT")), ErrorCode::kMalformedRequest);
  EXPECT_EQ(RefusalCode({{":method", "CONNECT"}}), ErrorCode::kMalformedRequest);
  EXPECT_EQ(RefusalCode(Request({}, "TRACE")), ErrorCode::kMethodNotSupported);
}

TEST_F(RequestBlockTest, ExtendedConnectAsksForWebSocket) {
  Pairs pairs = Request({{"sec-websocket-version", "13"},
                         {"sec-websocket-key", "smuggled"},
                         {"sec-websocket-protocol", "chat"}},
                        "CONNECT", "/chat?a");
  pairs.insert(pairs.begin() + 1, {":protocol", "websocket"});
  const RequestHead& head = Taken(pairs, false);
  EXPECT_EQ(head.upgrade, "websocket");
  EXPECT_EQ(head.method, Method::kGet);
  EXPECT_EQ(head.method_name, "GET");
  EXPECT_EQ(head.path, "/chat");
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(Lines(head.headers),
            "host: a.test\nsec-websocket-version: 13\nsec-websocket-protocol: chat\n");

  EXPECT_NE(Refusal(pairs, true), "") << "END_STREAM";
  Pairs with_length = pairs;
  with_length.emplace_back("content-length", "5");
  EXPECT_NE(Refusal(with_length, false), "");
  Pairs other = pairs;
  other[1].second = "connect-udp";
  EXPECT_EQ(RefusalCode(other, false), ErrorCode::kMethodNotSupported);
  Pairs old = pairs;
  old[5].second = "8";
  EXPECT_EQ(RefusalCode(old, false), ErrorCode::kMalformedRequest);
  Pairs get = pairs;
  get[0].second = "GET";
  EXPECT_EQ(Refusal(get, false), ":protocol in a request that is not CONNECT");
  limits_.websocket = false;
  EXPECT_EQ(Refusal(pairs, false), "extended CONNECT, which was not offered");
}

TEST_F(RequestBlockTest, ARefusedHeadTellsWhatItWasFor) {
  RequestHead& head = Begin();
  EXPECT_NE(Feed(block_, Request({{"X", "y"}}, "POST", "/t?q")), "");
  EXPECT_EQ(head.method_name, "POST");
  EXPECT_EQ(head.target, "/t?q");
}

TEST_F(RequestBlockTest, WhatIsNotToBeIndexedIsMarked) {
  RequestHead& head = Begin();
  for (const auto& [name, value] : Request()) {
    block_.Add(name, value, false);
  }
  block_.Add("x-secret", "s", true);
  block_.Add("x-plain", "p", false);
  EXPECT_FALSE(block_.Finish(true));
  EXPECT_TRUE(head.headers.Find("x-secret")->never_indexed);
  EXPECT_FALSE(head.headers.Find("x-plain")->never_indexed);
}

TEST_F(RequestBlockTest, TrailersAreFieldsThatMayComeThere) {
  TrailerBlock block(limits_);
  Headers trailers(arena_);
  const auto refusal = [&](const Pairs& pairs, bool end = true) {
    trailers.Clear();
    block.Begin(trailers, FieldOrigin::kRequest);
    return Feed(block, pairs, end);
  };
  EXPECT_EQ(refusal({{"x-sum", "1"}, {"content-length", "5"}, {"host", "b"}, {"date", "d"}}), "");
  EXPECT_EQ(Lines(trailers), "x-sum: 1\ndate: d\n");
  EXPECT_EQ(refusal({{":path", "/"}}), "a pseudo-header field in trailers");
  EXPECT_EQ(refusal({{"transfer-encoding", "chunked"}}),
            "a field that belongs to a connection of HTTP/1");
  EXPECT_EQ(refusal({{"x-sum", "1\r\nx: y"}}),
            "a field value has a control character or begins or ends with whitespace");
  EXPECT_EQ(refusal({{"x-sum", "1"}}, false), "trailers that do not end the stream");
}

}  // namespace
}  // namespace gatehouse::http
