// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/response_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "source/http/h1/head_scanner.h"

namespace gatehouse::http {
namespace {

using std::string_view_literals::operator""sv;

class ResponseParserTest : public testing::Test {
 protected:
  ErrorCode Parse(std::string_view bytes, Method method = Method::kGet) {
    EXPECT_EQ(ScanHead(bytes, 0).outcome, HeadScan::Outcome::kWhole) << bytes;
    head_ = arena_.New<ResponseHead>(arena_);
    return ParseResponseHead(bytes, method, CodecLimits(), *head_).code;
  }
  // The framing that `fields`, each with its CRLF, give to an answer.
  Framing FramingOf(std::string_view status, std::string_view fields,
                    Method method = Method::kGet) {
    const std::string head =
        "HTTP/1.1 " + std::string(status) + " X\r\n" + std::string(fields) + "\r\n";
    EXPECT_EQ(Parse(head, method), ErrorCode::kNone) << head;
    return head_->framing;
  }
  const ResponseHead& head() const { return *head_; }

 private:
  ArenaPool pool_;
  Arena arena_{pool_};
  ResponseHead* head_ = nullptr;
};

TEST_F(ResponseParserTest, TakesOrdinaryHeads) {
  EXPECT_EQ(Parse("HTTP/1.1 404 Not  Found!\r\nServer: x\r\nContent-Length: 5\r\n\r\n"),
            ErrorCode::kNone);
  EXPECT_EQ(head().status, 404);
  EXPECT_EQ(head().reason, "Not  Found!");
  EXPECT_EQ(head().minor_version, 1);
  EXPECT_EQ(head().headers.Value(Known::kServer), "x");
  EXPECT_EQ(head().framing, Framing::kLength);
  EXPECT_EQ(head().content_length, 5u);
  EXPECT_EQ(Parse("HTTP/1.0 200 \r\n\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().minor_version, 0);
  EXPECT_EQ(head().reason, "");
  EXPECT_EQ(Parse("HTTP/1.1 299\r\n\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().status, 299);
  EXPECT_EQ(Parse("HTTP/1.1 200 caf\xe9\tx\r\n\r\n"), ErrorCode::kNone);
}

TEST_F(ResponseParserTest, MalformedStatusLines) {
  for (const std::string_view line :
       {"HTTP/1.1 2000 OK"sv,  "HTTP/1.1 20 OK"sv,      "HTTP/1.1 99 OK"sv,
        "HTTP/1.1 099 OK"sv,   "HTTP/1.1 600 OK"sv,     "HTTP/1.1 999 OK"sv,
        "HTTP/1.1  200 OK"sv,  "HTTP/1.1 200OK"sv,      "HTTP/1.1 2x0 OK"sv,
        "HTTP/1.1 +20 OK"sv,   "HTTP/1.1\t200 OK"sv,    "HTTP/1.1 "sv,
        "HTTP/1.1"sv,          "HTTP/2.0 200 OK"sv,     "HTTP/1.2 200 OK"sv,
        "HTTP/0.9 200 OK"sv,   "http/1.1 200 OK"sv,     "ICY 200 OK"sv,
        " HTTP/1.1 200 OK"sv,  "HTTP/1.1 200 O\rK"sv,   "HTTP/1.1 200 O\nK"sv,
        "HTTP/1.1 200 O\0K"sv, "HTTP/1.1 200 O\x01K"sv, "hello"sv}) {
    EXPECT_EQ(Parse(std::string(line) + "\r\n\r\n"), ErrorCode::kMalformedResponse) << line;
  }
}

TEST_F(ResponseParserTest, MalformedFields) {
  for (const std::string_view lines :
       {"X-A a\r\n"sv,
        "X-A : a\r\n"sv,
        "X-A: a\0b\r\n"sv,
        "X-A: a\x01\r\n"sv,
        "X-A: a\nY: b\r\n"sv,
        "X-A: a\r\n b\r\n"sv,
        ": a\r\n"sv,
        "X A: b\r\n"sv,
        " X: a\r\n"sv,
        "X-A: a\r\r\n"sv,
        "Content-Length: +2\r\n"sv,
        "Content-Length: -2\r\n"sv,
        "Content-Length: 2a\r\n"sv,
        "Content-Length: 2 2\r\n"sv,
        "Content-Length:\r\n"sv,
        "Content-Length: 2, 2\r\n"sv,
        "Content-Length: 2\r\nContent-Length: 5\r\n"sv,
        "Content-Length: 2\r\nContent-Length: 2\r\n"sv,
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"sv,
        "Transfer-Encoding:\r\n"sv,
        "Transfer-Encoding: xchunked\r\n"sv,
        "Transfer-Encoding: gzip, chunked\r\n"sv,
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv,
        "Transfer-Encoding: identity\r\n"sv}) {
    EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n"),
              ErrorCode::kMalformedResponse)
        << lines;
  }
  EXPECT_EQ(Parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ErrorCode::kMalformedResponse);
  EXPECT_EQ(Parse("HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n"), ErrorCode::kMalformedResponse);
}

TEST_F(ResponseParserTest, FramingFollowsMethodAndStatus) {
  EXPECT_EQ(FramingOf("200", ""), Framing::kUntilClose);
  EXPECT_EQ(FramingOf("200", "Content-Length: 0\r\n"), Framing::kLength);
  EXPECT_EQ(FramingOf("200", "Transfer-Encoding: Chunked\r\n"), Framing::kChunked);
  EXPECT_EQ(FramingOf("200", "", Method::kHead), Framing::kNone);
  EXPECT_EQ(FramingOf("200", "Transfer-Encoding: chunked\r\n", Method::kHead), Framing::kNone);
  EXPECT_EQ(FramingOf("200", "Content-Length: 100\r\n", Method::kHead), Framing::kLength);
  EXPECT_EQ(head().content_length, 100u);
  EXPECT_EQ(FramingOf("304", "Content-Length: 100\r\n"), Framing::kLength);
  EXPECT_EQ(FramingOf("304", ""), Framing::kNone);
  EXPECT_EQ(FramingOf("204", "Content-Length: 5\r\n"), Framing::kNone);
  EXPECT_EQ(head().content_length, 0u);
  EXPECT_EQ(FramingOf("204", "Transfer-Encoding: chunked\r\n"), Framing::kNone);
  EXPECT_EQ(FramingOf("103", "Content-Length: 5\r\n"), Framing::kNone);
}

TEST_F(ResponseParserTest, UnderscoresAreTheEndpointsBusiness) {
  EXPECT_EQ(Parse("HTTP/1.1 204 X\r\nContent_Type: x\r\n\r\n"), ErrorCode::kNone);
  EXPECT_EQ(head().headers.count(), 1u);
}

}  // namespace
}  // namespace gatehouse::http
