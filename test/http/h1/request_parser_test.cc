// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/request_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "source/http/h1/head_scanner.h"

namespace gatehouse::http {
namespace {

using std::string_view_literals::operator""sv;

class RequestParserTest : public testing::Test {
 protected:
  // Parses the head into head(). The code of its fault, or kNone.
  ErrorCode Parse(std::string_view bytes, const CodecLimits& limits = {}) {
    EXPECT_EQ(ScanHead(bytes, 0).outcome, HeadScan::Outcome::kWhole) << bytes;
    head_ = arena_.New<RequestHead>(arena_);
    return ParseRequestHead(bytes, limits, *head_).code;
  }
  // A request line, with a Host.
  ErrorCode ParseLine(std::string_view line) {
    return Parse(std::string(line) + "\r\nHost: a.test\r\n\r\n");
  }
  // Field lines, each with its CRLF, after a POST line and a Host.
  ErrorCode ParseFieldLines(std::string_view lines) {
    return Parse("POST /t HTTP/1.1\r\nHost: a.test\r\n" + std::string(lines) + "\r\n");
  }
  ErrorCode ParseHost(std::string_view value) {
    return Parse("GET / HTTP/1.1\r\nHost:" + std::string(value) + "\r\n\r\n");
  }
  const RequestHead& head() const { return *head_; }

 private:
  ArenaPool pool_;
  Arena arena_{pool_};
  RequestHead* head_ = nullptr;
};

TEST_F(RequestParserTest, TakesAnOrdinaryRequest) {
  EXPECT_EQ(
      Parse("GET /a/b?c=d?e HTTP/1.1\r\nHost: A.test:80\r\nX-Empty:\r\nx-a: \t b c \t\r\n\r\n"),
      ErrorCode::kNone);
  EXPECT_EQ(head().method, Method::kGet);
  EXPECT_EQ(head().method_name, "GET");
  EXPECT_EQ(head().version, Version::kHttp11);
  EXPECT_EQ(head().scheme, "http");
  EXPECT_EQ(head().authority, "A.test:80");
  EXPECT_EQ(head().host, "a.test");
  EXPECT_EQ(head().target, "/a/b?c=d?e");
  EXPECT_EQ(head().path, "/a/b");
  EXPECT_EQ(head().query, "c=d?e");
  EXPECT_EQ(head().framing, Framing::kNone);
  EXPECT_FALSE(head().expects_continue);
  EXPECT_EQ(head().headers.count(), 3u);
  EXPECT_EQ(head().headers.Find("x-a")->value, "b c");
  EXPECT_EQ(head().headers.Find("x-a")->line_bytes, "x-a: \t b c \t\r\n"sv.size());
  EXPECT_EQ(head().headers.Find("x-empty")->value, "");
}

TEST_F(RequestParserTest, AbsoluteFormReplacesTheHost) {
  EXPECT_EQ(ParseLine("GET HTTP://B.test:81/x?y HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().target, "/x?y");
  EXPECT_EQ(head().host, "b.test");
  EXPECT_EQ(head().authority, "B.test:81");
  EXPECT_EQ(head().headers.Value(Known::kHost), "B.test:81");
  EXPECT_EQ(ParseLine("GET https://b.test HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().target, "/");
  EXPECT_EQ(head().scheme, "https");
  EXPECT_EQ(ParseLine("GET http://b.test?x HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().target, "/?x");
  EXPECT_EQ(head().path, "/");
  EXPECT_EQ(head().query, "x");
  EXPECT_EQ(ParseLine("OPTIONS http://b.test HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().target, "*");
  EXPECT_EQ(Parse("GET http://b.test/ HTTP/1.0\r\n\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().headers.Value(Known::kHost), "b.test");
}

TEST_F(RequestParserTest, OtherTargetsThatAreFine) {
  EXPECT_EQ(ParseLine("OPTIONS * HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().target, "*");
  EXPECT_EQ(ParseLine("BREW /t HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().method, Method::kOther);
  EXPECT_EQ(ParseLine("GET /?q=\"<>\\^`{|}'[]%zz HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(ParseLine("GET /" + std::string(8000, 'a') + " HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(ParseLine("GET //evil.test/ HTTP/1.1"), ErrorCode::kNone);
  EXPECT_EQ(head().host, "a.test");
}

TEST_F(RequestParserTest, MalformedRequestLines) {
  for (const std::string_view line : {"GET /t"sv,
                                      "GET"sv,
                                      "GET  /t HTTP/1.1"sv,
                                      "GET /t  HTTP/1.1"sv,
                                      "GET\t/t\tHTTP/1.1"sv,
                                      "GET /t HTTP/1.1 "sv,
                                      " GET /t HTTP/1.1"sv,
                                      "GET /t /u HTTP/1.1"sv,
                                      "GE(T /t HTTP/1.1"sv,
                                      "GET: /t HTTP/1.1"sv,
                                      " /t HTTP/1.1"sv,
                                      "GET  HTTP/1.1"sv,
                                      "GET /t\x01u HTTP/1.1"sv,
                                      "GET /t\0u HTTP/1.1"sv,
                                      "GET /t\x7fu HTTP/1.1"sv,
                                      "GET /t\xff HTTP/1.1"sv,
                                      "GET /t#frag HTTP/1.1"sv,
                                      "GET t HTTP/1.1"sv,
                                      "GET a.test:80 HTTP/1.1"sv,
                                      "GET * HTTP/1.1"sv,
                                      "OPTIONS *x HTTP/1.1"sv,
                                      "GET ?x HTTP/1.1"sv,
                                      "GET gopher://a.test/ HTTP/1.1"sv,
                                      "GET http:/a.test/ HTTP/1.1"sv,
                                      "GET http:///x HTTP/1.1"sv,
                                      "GET http:// HTTP/1.1"sv,
                                      "GET http://u:p@a.test/ HTTP/1.1"sv,
                                      "GET http://a.test:x/ HTTP/1.1"sv,
                                      "GET http://a.test\\@b.test/ HTTP/1.1"sv,
                                      "GET /t HTTP/1.10"sv,
                                      "GET /t HTTP/1,1"sv,
                                      "GET /t HTTP/1.1x"sv,
                                      "GET /t HTTP/1"sv,
                                      "GET /t HTTP/.1"sv,
                                      "GET /t http/1.1"sv,
                                      "GET /t ICAP/1.0"sv,
                                      "GET /t HTTP/0.9"sv,
                                      "GET /t HTTP/1.1\rX: y"sv,
                                      "GET /t HTTP/1.1\nX: y"sv,
                                      "GET /t HTTP/+1.1"sv,
                                      "GET /t HTTP 1.1"sv,
                                      "GET /t"sv}) {
    EXPECT_EQ(ParseLine(line), ErrorCode::kMalformedRequest) << line;
  }
}

TEST_F(RequestParserTest, OtherVersions) {
  EXPECT_EQ(ParseLine("GET /t HTTP/2.0"), ErrorCode::kVersionNotSupported);
  EXPECT_EQ(ParseLine("GET /t HTTP/9.9"), ErrorCode::kVersionNotSupported);
  EXPECT_EQ(ParseLine("PRI * HTTP/2.0"), ErrorCode::kVersionNotSupported);
  EXPECT_EQ(ParseLine("GET /t HTTP/1.0"), ErrorCode::kNone);
  EXPECT_EQ(head().version, Version::kHttp10);
  EXPECT_EQ(ParseLine("GET /t HTTP/1.9"), ErrorCode::kNone);
  EXPECT_EQ(head().version, Version::kHttp11);
}

TEST_F(RequestParserTest, MethodsThatAreNotServed) {
  EXPECT_EQ(ParseLine("CONNECT a.test:80 HTTP/1.1"), ErrorCode::kMethodNotSupported);
  EXPECT_EQ(ParseLine("CONNECT /t HTTP/1.1"), ErrorCode::kMethodNotSupported);
  EXPECT_EQ(ParseLine("TRACE /t HTTP/1.1"), ErrorCode::kMethodNotSupported);
  EXPECT_EQ(head().method_name, "TRACE");
}

TEST_F(RequestParserTest, ExactlyOneValidHost) {
  for (const std::string_view value :
       {""sv, " "sv, " a.test, b.test"sv, " a.test/x"sv, " u@a.test"sv, " a.test:abc"sv,
        " a.test:99999"sv, " [::1"sv, " a.t\xe9st"sv, " a .test"sv, " a.test\r\nHost: a.test"sv,
        " a.test\r\nhOsT: b.test"sv, " a.test\r\n b.test"sv, " a.test\r\n\tb.test"sv}) {
    EXPECT_EQ(ParseHost(value), ErrorCode::kMalformedRequest) << value;
  }
  EXPECT_EQ(ParseHost("[::1]:8080"), ErrorCode::kNone);
  EXPECT_EQ(head().host, "[::1]");
  EXPECT_EQ(Parse("GET / HTTP/1.1\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET http://a.test/ HTTP/1.1\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("GET / HTTP/1.0\r\n\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().host, "");
}

TEST_F(RequestParserTest, MalformedFields) {
  for (const std::string_view lines : {"X-A : b\r\n"sv,
                                       "X-A\t: b\r\n"sv,
                                       "X-A b\r\n"sv,
                                       " X-A: b\r\n"sv,
                                       "\tX-A: b\r\n"sv,
                                       "X-A: a\r\n b\r\n"sv,
                                       "X-A:\r\n \r\n"sv,
                                       "X-A: a\nX-B: b\r\n"sv,
                                       "X-A: a\r\r\n"sv,
                                       "X-A: a\rb\r\n"sv,
                                       "X-A: a\x01"
                                       "b\r\n"sv,
                                       "X-A: a\x7f\r\n"sv,
                                       "X-A: a\x0b"
                                       "b\r\n"sv,
                                       "X-A: a\0b\r\n"sv,
                                       "X-\xe9: b\r\n"sv,
                                       "X(A): b\r\n"sv,
                                       "X\0A: b\r\n"sv,
                                       "\"X\": b\r\n"sv,
                                       "X/A: b\r\n"sv,
                                       ": b\r\n"sv,
                                       "X A: b\r\n"sv,
                                       "\0: b\r\n"sv,
                                       "GET http://b.test/smug HTTP/1.1\r\n"sv,
                                       "\rX-A: b\r\n"sv,
                                       "X-A: b\r\n\rX: c\r\n"sv}) {
    EXPECT_EQ(ParseFieldLines(lines), ErrorCode::kMalformedRequest) << lines;
  }
}

TEST_F(RequestParserTest, OddFieldsThatAreFine) {
  EXPECT_EQ(ParseFieldLines("!#$%&'*+-.^_`|~09azAZ: caf\xe9\tx:y\r\na:b\r\nX-Long-Name-"
                            "Beyond-One-Vector: 1\r\n"),
            ErrorCode::kNone);
  EXPECT_EQ(head().headers.Find("!#$%&'*+-.^_`|~09AZaz")->value, "caf\xe9\tx:y");
  EXPECT_EQ(head().headers.Find("a")->value, "b");
}

TEST_F(RequestParserTest, FieldsThatLookLikeKnownOnesAreDropped) {
  EXPECT_EQ(ParseFieldLines("Content-Length: 5\r\nTransfer_Encoding: chunked\r\n"
                            "Content_Length: 9\r\nX_Forwarded-For: 1.1.1.1\r\nX_Mine: 1\r\n"),
            ErrorCode::kNone);
  EXPECT_EQ(head().framing, Framing::kLength);
  EXPECT_EQ(head().content_length, 5u);
  EXPECT_EQ(head().headers.count(), 3u);
  EXPECT_EQ(head().headers.Find("X_Mine")->value, "1");
}

TEST_F(RequestParserTest, ContentLength) {
  EXPECT_EQ(ParseFieldLines("Content-Length: 0005\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().framing, Framing::kLength);
  EXPECT_EQ(head().content_length, 5u);
  EXPECT_EQ(ParseFieldLines("Content-Length: 0\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().framing, Framing::kLength);
  EXPECT_EQ(ParseFieldLines("Content-Length: 9223372036854775807\r\n"), ErrorCode::kNone);
  for (const std::string_view value : {""sv,
                                       "+5"sv,
                                       "-5"sv,
                                       "-0"sv,
                                       "1 0"sv,
                                       "5;"sv,
                                       "5,"sv,
                                       "5, 5"sv,
                                       "5,6"sv,
                                       "\"5\""sv,
                                       "0_5"sv,
                                       "0x5"sv,
                                       "5e0"sv,
                                       "5.0"sv,
                                       "\xa0"
                                       "5"sv,
                                       "5 (five)"sv,
                                       "5\r6"sv,
                                       "5a"sv,
                                       "9223372036854775808"sv,
                                       "18446744073709551621"sv,
                                       "99999999999999999999999"sv,
                                       "5\r\nContent-Length: 5"sv,
                                       "0\r\ncontent-length: 36"sv,
                                       "5\x0b"sv}) {
    EXPECT_EQ(ParseFieldLines("Content-Length: " + std::string(value) + "\r\n"),
              ErrorCode::kMalformedRequest)
        << value;
  }
}

TEST_F(RequestParserTest, TransferEncoding) {
  for (const std::string_view value : {"chunked", "CHUNKED", " chunked\t "}) {
    EXPECT_EQ(ParseFieldLines("Transfer-Encoding: " + std::string(value) + "\r\n"),
              ErrorCode::kNone);
    EXPECT_EQ(head().framing, Framing::kChunked);
  }
  for (const std::string_view value : {"gzip, chunked", "identity,chunked", "x,y , chunked"}) {
    EXPECT_EQ(ParseFieldLines("Transfer-Encoding: " + std::string(value) + "\r\n"),
              ErrorCode::kUnsupportedCoding)
        << value;
  }
  for (const std::string_view value : {""sv,
                                       "xchunked"sv,
                                       "\"chunked\""sv,
                                       ":chunked"sv,
                                       "\x0b"
                                       "chunked"sv,
                                       "\x0c"
                                       "chunked"sv,
                                       "\xa0"
                                       "chunked"sv,
                                       "\xff"
                                       "chunked"sv,
                                       "chu\tnked"sv,
                                       "chunked;q=1"sv,
                                       "chunked x"sv,
                                       ",chunked"sv,
                                       "chunked,"sv,
                                       ", chunked"sv,
                                       "chunked, chunked"sv,
                                       "chunked, gzip"sv,
                                       "gzip"sv,
                                       "identity"sv,
                                       "gzip,,chunked"sv,
                                       "chunked\r\nTransfer-Encoding: chunked"sv,
                                       "chunked\r\nTransfer-Encoding: identity"sv,
                                       "\r\n chunked"sv,
                                       "chunked\0"sv}) {
    EXPECT_EQ(ParseFieldLines("Transfer-Encoding: " + std::string(value) + "\r\n"),
              ErrorCode::kMalformedRequest)
        << value;
  }
}

TEST_F(RequestParserTest, TwoWaysToReadTheEndAreRefused) {
  EXPECT_EQ(ParseFieldLines("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
            ErrorCode::kMalformedRequest);
  EXPECT_EQ(ParseFieldLines("Content-Length: 4\r\nTransfer-Encoding:\r\n"),
            ErrorCode::kMalformedRequest);
  EXPECT_EQ(Parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ErrorCode::kMalformedRequest);
}

TEST_F(RequestParserTest, Expectations) {
  EXPECT_EQ(ParseFieldLines("Expect: 100-Continue\r\n"), ErrorCode::kNone);
  EXPECT_TRUE(head().expects_continue);
  for (const std::string_view value : {"", "foo", "y 100-continue", "100-continue, foo"}) {
    EXPECT_EQ(ParseFieldLines("Expect: " + std::string(value) + "\r\n"),
              ErrorCode::kExpectationFailed)
        << value;
  }
  EXPECT_EQ(Parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), ErrorCode::kNone);
  EXPECT_FALSE(head().expects_continue);
  EXPECT_FALSE(head().headers.Has(Known::kExpect));
}

TEST_F(RequestParserTest, FieldsAreCounted) {
  CodecLimits limits;
  limits.max_headers = 3;
  const std::string three = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n";
  EXPECT_EQ(Parse(three + "\r\n", limits), ErrorCode::kNone);
  EXPECT_EQ(Parse(three + "X: 3\r\n\r\n", limits), ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(head().method_name, "GET");
  EXPECT_EQ(head().path, "/");
}

}  // namespace
}  // namespace gatehouse::http
