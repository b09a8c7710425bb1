// SPDX-License-Identifier: Apache-2.0
// From one version of HTTP to the other and back: what the far side reads is what we have read.
#include <gtest/gtest.h>

#include <string>

#include "source/http/h1/head_writer.h"
#include "source/http/h1/request_parser.h"
#include "source/http/h1/response_parser.h"
#include "test/http/h1/string_sink.h"
#include "test/http/h2/blocks.h"

namespace gatehouse::http {
namespace {

class TranslationTest : public testing::Test {
 protected:
  // The bytes of HTTP/1 that a request of HTTP/2 becomes; "" for one that is refused.
  std::string Downgraded(const Pairs& pairs, bool end = true) {
    auto* head = arena_.New<RequestHead>(arena_);
    block_.Begin(*head);
    for (const auto& [name, value] : pairs) {
      block_.Add(name, value, false);
    }
    if (block_.Finish(end)) {
      return "";
    }
    StringSink sink;
    WriteRequestHead(*head, {head->framing, head->content_length}, sink);
    return sink.Take();
  }
  // The pairs of HTTP/2 that a request of HTTP/1 becomes.
  Pairs Upgraded(std::string_view bytes) {
    auto* head = arena_.New<RequestHead>(arena_);
    if (ParseRequestHead(bytes, limits_, *head)) {
      return {};
    }
    return ToPairs(FieldList().Request(*head, "http"));
  }

  CodecLimits limits_;
  ArenaPool pool_;
  Arena arena_{pool_};
  RequestBlock block_{limits_};
};

TEST_F(TranslationTest, RequestsOfHttp2BecomeThoseOfHttp1) {
  EXPECT_EQ(Downgraded(Request({{"accept", "*/*"}, {"te", "trailers"}, {"x-a", "b"}})),
            "GET /t HTTP/1.1\r\nhost: a.test\r\naccept: */*\r\nx-a: b\r\n\r\n");
  EXPECT_EQ(Downgraded(Request({{"content-length", "5"}}, "POST"), false),
            "POST /t HTTP/1.1\r\nhost: a.test\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(Downgraded(Request({{"cookie", "a=1"}, {"cookie", "b=2"}}, "POST"), false),
            "POST /t HTTP/1.1\r\nhost: a.test\r\ncookie: a=1; b=2\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

// Every place where a client could write what HTTP/1 would read as something else.
TEST_F(TranslationTest, NothingIsSmuggledDown) {
  const std::string tricks[] = {"\r\n\r\nGET /x HTTP/1.1\r\nHost: b\r\n\r\n",
                                "\r\nTransfer-Encoding: chunked",
                                "\nx: y",
                                "\r",
                                std::string("\0", 1),
                                "\x0b",
                                "\x7f"};
  for (const std::string& trick : tricks) {
    for (size_t i = 0; i < Request().size(); ++i) {
      Pairs pairs = Request();
      pairs[i].second += trick;
      EXPECT_EQ(Downgraded(pairs), "") << pairs[i].first << testing::PrintToString(trick);
      pairs = Request();
      pairs[i].second.insert(0, trick);
      EXPECT_EQ(Downgraded(pairs), "") << pairs[i].first << testing::PrintToString(trick);
    }
    EXPECT_EQ(Downgraded(Request({{"x-a" + trick, "b"}})), "") << testing::PrintToString(trick);
    EXPECT_EQ(Downgraded(Request({{"x-a", "b" + trick}})), "") << testing::PrintToString(trick);
    EXPECT_EQ(Downgraded(Request({{"x-a", trick}})), "") << testing::PrintToString(trick);
    EXPECT_EQ(Downgraded(Request({{"cookie", "a"}, {"cookie", trick}})), "");
  }
  for (const Pair& field : Pairs{{"transfer-encoding", "chunked"},
                                 {"Transfer-Encoding", "chunked"},
                                 {"transfer-encoding ", "chunked"},
                                 {"transfer-encoding:", "chunked"},
                                 {"transfer-encoding: chunked\r\nx", "y"},
                                 {"content-length", "5"},
                                 {"content-length", "0, 5"},
                                 {"content-length", "+0"},
                                 {"content-length ", "5"},
                                 {"connection", "content-length"},
                                 {"host", "b.test"},
                                 {"host:", "b.test"},
                                 {":host", "b.test"},
                                 {":path", "/x"},
                                 {" x", "y"},
                                 {"x y", "z"}}) {
    EXPECT_EQ(Downgraded(Request({field})), "") << field.first << ": " << field.second;
  }
  // CGI takes these for the ones with '-'.
  EXPECT_EQ(Downgraded(Request({{"content_length", "5"}, {"transfer_encoding", "chunked"}})),
            "GET /t HTTP/1.1\r\nhost: a.test\r\n\r\n");
}

TEST_F(TranslationTest, RequestsOfHttp1BecomeThoseOfHttp2) {
  const std::string bytes =
      "POST http://B.test/x?y HTTP/1.1\r\nHost: a.test\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
      "Transfer-Encoding: chunked\r\nTE: trailers\r\nX-A: b\r\nCookie: a; b\r\n\r\n";
  const Pairs pairs = Upgraded(bytes);
  EXPECT_EQ(Lines(pairs),
            ":method: POST\n:scheme: http\n:authority: B.test\n:path: /x?y\nx-a: b\n"
            "cookie: a; b\nte: trailers\n");
  auto* head = arena_.New<RequestHead>(arena_);
  block_.Begin(*head);
  EXPECT_EQ(Feed(block_, pairs, false), "");
  EXPECT_EQ(head->host, "b.test");
  EXPECT_EQ(head->framing, Framing::kChunked);
}

// A field of HTTP/1 whose name begins with ':' would be a pseudo-header field in HTTP/2.
TEST_F(TranslationTest, NothingIsSmuggledUp) {
  for (const std::string line : {":path: /x", ":authority: b", ": x", ":method : GET", "x\ry: z",
                                 "x: y\rz", "x: y\nz", "Content-Length: 5\r\nContent-Length: 6",
                                 "Content-Length: 5\r\nTransfer-Encoding: chunked"}) {
    EXPECT_EQ(Upgraded("POST / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n"), Pairs()) << line;
  }
}

TEST_F(TranslationTest, ResponsesGoBothWays) {
  ResponseBlock block(limits_);
  auto* head = arena_.New<ResponseHead>(arena_);
  block.Begin(*head, Method::kGet, false);
  EXPECT_EQ(Feed(block, {{":status", "200"}, {"x-a", "b"}, {"content-length", "3"}}, false), "");
  StringSink sink;
  RequestHead request(arena_);
  WriteResponseHead(*head, FramingOf(*head, request, false), ConnectionField::kNone, sink);
  const std::string bytes = sink.Take();
  EXPECT_EQ(bytes, "HTTP/1.1 200 OK\r\nx-a: b\r\nContent-Length: 3\r\n\r\n");
  auto* back = arena_.New<ResponseHead>(arena_);
  EXPECT_FALSE(ParseResponseHead(bytes, Method::kGet, limits_, *back));
  EXPECT_EQ(Lines(ToPairs(FieldList().Response(*back, request, false))),
            ":status: 200\nx-a: b\ncontent-length: 3\n");
}

}  // namespace
}  // namespace gatehouse::http
