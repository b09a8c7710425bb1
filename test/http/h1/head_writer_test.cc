// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/head_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "source/http/h1/request_parser.h"
#include "source/http/h1/response_parser.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

class HeadWriterTest : public testing::Test {
 protected:
  RequestHead& ParseRequest(std::string_view fields) {
    auto* head = arena_.New<RequestHead>(arena_);
    const std::string bytes =
        "POST /t?q HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n";
    EXPECT_FALSE(ParseRequestHead(bytes, CodecLimits(), *head)) << fields;
    return *head;
  }
  ResponseHead& ParseResponse(std::string_view fields) {
    auto* head = arena_.New<ResponseHead>(arena_);
    const std::string bytes = "HTTP/1.0 200 Fine\r\n" + std::string(fields) + "\r\n";
    EXPECT_FALSE(ParseResponseHead(bytes, Method::kGet, CodecLimits(), *head)) << fields;
    return *head;
  }
  std::string Written(const RequestHead& head, const FramingField& framing = {}) {
    WriteRequestHead(head, framing, sink_);
    return sink_.Take();
  }
  std::string Written(const ResponseHead& head, const FramingField& framing = {},
                      ConnectionField connection = ConnectionField::kNone) {
    WriteResponseHead(head, framing, connection, sink_);
    return sink_.Take();
  }
  // What of `fields` a request is forwarded with.
  std::string Forwarded(std::string_view fields) {
    const std::string head = Written(ParseRequest(fields));
    const std::string before = "POST /t?q HTTP/1.1\r\nHost: a.test\r\n";
    EXPECT_TRUE(head.starts_with(before) && head.ends_with("\r\n\r\n")) << head;
    return head.substr(before.size(), head.size() - before.size() - 2);
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  StringSink sink_;
};

TEST_F(HeadWriterTest, UntouchedLinesStayAsTheyWere) {
  EXPECT_EQ(Forwarded("X-A:  b \t\r\nx-B:\r\nX-A: 2\r\nAccept: */*\r\n"),
            "X-A:  b \t\r\nx-B:\r\nX-A: 2\r\nAccept: */*\r\n");
}

TEST_F(HeadWriterTest, EditsGoWhereTheyBelong) {
  RequestHead& head = ParseRequest("X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\n");
  head.headers.Set("X-B", "two");
  head.headers.Remove("X-C");
  head.headers.Add("Via", "1.1 g");
  EXPECT_EQ(Written(head),
            "POST /t?q HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nX-B: two\r\nX-D: 4\r\n"
            "Via: 1.1 g\r\n\r\n");
  head.target = "/other";
  head.headers.Set(Known::kHost, "b.test");
  EXPECT_TRUE(Written(head).starts_with("POST /other HTTP/1.1\r\nhost: b.test\r\nX-A: 1\r\n"));
}

TEST_F(HeadWriterTest, FieldsOfTheConnectionStayBehind) {
  EXPECT_EQ(Forwarded("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\n"
                      "Proxy-Connection: keep-alive\r\nTE: trailers\r\nUpgrade: h2c\r\n"
                      "HTTP2-Settings: AAMA\r\nX-B: 2\r\nTrailer: X-T\r\n"),
            "X-A: 1\r\nX-B: 2\r\nTrailer: X-T\r\n");
  EXPECT_EQ(Forwarded("X-Hop: 1\r\nConnection: close, x-HOP\r\nX-A: 1\r\nx-hop: 2\r\n"
                      "Connection: Cookie\r\nCookie: a=b\r\n"),
            "X-A: 1\r\n");
}

TEST_F(HeadWriterTest, ConnectionCannotTakeOutWhatItMustNot) {
  EXPECT_EQ(Forwarded("Connection: Host, Content-Length, Transfer-Encoding\r\nX-A: 1\r\n"),
            "X-A: 1\r\n");
  RequestHead& head = ParseRequest("Connection: X-Forwarded-For, Via\r\nX-Forwarded-For: 1\r\n");
  head.headers.Set(Known::kXForwardedFor, "1, 2");
  head.headers.Add("Via", "1.1 g");
  EXPECT_EQ(Written(head),
            "POST /t?q HTTP/1.1\r\nHost: a.test\r\nx-forwarded-for: 1, 2\r\nVia: 1.1 g\r\n\r\n");
}

TEST_F(HeadWriterTest, FramingIsOurs) {
  RequestHead& head = ParseRequest("Content-Length: 0005\r\n");
  EXPECT_EQ(Written(head, {Framing::kLength, 5}),
            "POST /t?q HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(Written(head, {Framing::kChunked, 0}),
            "POST /t?q HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(Written(head), "POST /t?q HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_TRUE(Written(head, {Framing::kLength, UINT64_MAX})
                  .ends_with("Content-Length: 18446744073709551615\r\n\r\n"));
}

TEST_F(HeadWriterTest, AMissingHostIsWrittenFirst) {
  RequestHead head(arena_);
  head.method_name = "GET";
  head.target = "/";
  head.authority = "b.test:81";
  head.headers.Add("x-a", "1");
  EXPECT_EQ(Written(head), "GET / HTTP/1.1\r\nHost: b.test:81\r\nx-a: 1\r\n\r\n");
}

TEST_F(HeadWriterTest, AddedFieldsCannotSplitTheHead) {
  using std::string_view_literals::operator""sv;
  RequestHead& head = ParseRequest("");
  head.headers.Add("X-A", "1\r\nX-Evil: 1");
  head.headers.Add("X-B", "1\nX-Evil: 1");
  head.headers.Add("X-C", "1\0"sv);
  head.headers.Add("X D", "1");
  head.headers.Add("X-E: 1\r\nX-Evil", "1");
  head.headers.Add("X-F", "");
  head.headers.Add("X-G", {});
  EXPECT_EQ(Written(head), "POST /t?q HTTP/1.1\r\nHost: a.test\r\nX-F: \r\nX-G: \r\n\r\n");
}

TEST_F(HeadWriterTest, ResponsesAreOurVersion) {
  ResponseHead& head = ParseResponse(
      "Server: x\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\nVia: y\r\n");
  EXPECT_EQ(Written(head, {Framing::kLength, 2}),
            "HTTP/1.1 200 Fine\r\nServer: x\r\nVia: y\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(Written(head, {Framing::kChunked, 0}, ConnectionField::kClose),
            "HTTP/1.1 200 Fine\r\nServer: x\r\nVia: y\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_EQ(Written(head, {}, ConnectionField::kKeepAlive),
            "HTTP/1.1 200 Fine\r\nServer: x\r\nVia: y\r\nConnection: keep-alive\r\n\r\n");
}

TEST_F(HeadWriterTest, AMissingReasonIsTheStandardOne) {
  ResponseHead head(arena_);
  head.status = 503;
  EXPECT_EQ(Written(head), "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  head.status = 299;
  EXPECT_EQ(Written(head), "HTTP/1.1 299 \r\n\r\n");
}

TEST_F(HeadWriterTest, TrailerSections) {
  Headers trailers(arena_);
  trailers.Add("X-T", "1");
  trailers.Add("Transfer-Encoding", "chunked");
  WriteTrailerSection(trailers, sink_);
  EXPECT_EQ(sink_.Take(), "X-T: 1\r\n\r\n");
}

}  // namespace
}  // namespace gatehouse::http
