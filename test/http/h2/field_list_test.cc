// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/field_list.h"

#include <gtest/gtest.h>

#include <string>

#include "source/http/h1/request_parser.h"
#include "source/http/h1/response_parser.h"
#include "test/http/h2/blocks.h"

namespace gatehouse::http {
namespace {

class FieldListTest : public testing::Test {
 protected:
  RequestHead& Parsed(std::string_view fields, std::string_view method = "GET") {
    auto* head = arena_.New<RequestHead>(arena_);
    const std::string bytes =
        std::string(method) + " /t?q HTTP/1.1\r\nHost: A.test\r\n" + std::string(fields) + "\r\n";
    EXPECT_FALSE(ParseRequestHead(bytes, CodecLimits(), *head)) << fields;
    return *head;
  }
  ResponseHead& ParsedResponse(std::string_view fields, int status = 200) {
    auto* head = arena_.New<ResponseHead>(arena_);
    const std::string bytes =
        "HTTP/1.1 " + std::to_string(status) + " Fine\r\n" + std::string(fields) + "\r\n";
    EXPECT_FALSE(ParseResponseHead(bytes, Method::kGet, CodecLimits(), *head)) << fields;
    return *head;
  }
  std::string Sent(const RequestHead& head) { return Lines(ToPairs(list_.Request(head, "http"))); }
  // What is sent of `fields`, pseudo-header fields apart.
  std::string Forwarded(std::string_view fields) {
    const std::string sent = Sent(Parsed(fields));
    const std::string before = ":method: GET\n:scheme: http\n:authority: A.test\n:path: /t?q\n";
    EXPECT_TRUE(sent.starts_with(before)) << sent;
    return sent.substr(before.size());
  }
  std::string Sent(const ResponseHead& head, bool end = false) {
    RequestHead request(arena_);
    return Lines(ToPairs(list_.Response(head, request, end)));
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  FieldList list_;
};

TEST_F(FieldListTest, NamesGoInLowerCase) {
  EXPECT_EQ(Forwarded("X-A:  b \t\r\naCCept: */*\r\nx-c:\r\n"), "x-a: b\naccept: */*\nx-c: \n");
}

TEST_F(FieldListTest, WhatBelongsToTheConnectionStays) {
  EXPECT_EQ(Forwarded("Connection: close, X-Mine\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
                      "Upgrade: h2c\r\nHTTP2-Settings: x\r\nX-Mine: 1\r\nX-Other: 2\r\n"),
            "x-other: 2\n");
}

TEST_F(FieldListTest, OfTeOnlyTrailersIsTold) {
  EXPECT_EQ(Forwarded("TE: gzip\r\n"), "");
  EXPECT_EQ(Forwarded("Connection: TE\r\nTE: gzip, Trailers\r\n"), "te: trailers\n");
}

TEST_F(FieldListTest, TheAuthorityIsWhatHostSays) {
  RequestHead& head = Parsed("");
  head.headers.Set(Known::kHost, "b.test");
  EXPECT_EQ(Sent(head), ":method: GET\n:scheme: http\n:authority: b.test\n:path: /t?q\n");
  head.headers.Remove(Known::kHost);
  EXPECT_EQ(Sent(head), ":method: GET\n:scheme: http\n:authority: A.test\n:path: /t?q\n");
  head.headers.Set(Known::kHost, "b\r\nx: y");
  EXPECT_EQ(Sent(head), ":method: GET\n:scheme: http\n:path: /t?q\n");
}

TEST_F(FieldListTest, WhatWasAddedAndWouldBeMalformedIsLeftOut) {
  RequestHead& head = Parsed("");
  head.headers.Add("X-Ok", " fine\t");
  head.headers.Add("x bad", "1");
  head.headers.Add(":path", "/other");
  head.headers.Add("", "1");
  head.headers.Add("x-a", "1\r\nx-b: 2");
  head.headers.Add("x-a", std::string_view("1\0", 2));
  head.headers.Add("Transfer-Encoding", "chunked");
  EXPECT_EQ(Sent(head),
            ":method: GET\n:scheme: http\n:authority: A.test\n:path: /t?q\nx-ok: fine\n");
}

TEST_F(FieldListTest, LengthsComeFromTheFraming) {
  EXPECT_TRUE(Sent(Parsed("Content-Length: 5\r\n", "POST")).ends_with("content-length: 5\n"));
  EXPECT_EQ(Sent(Parsed("Transfer-Encoding: chunked\r\n", "POST")),
            ":method: POST\n:scheme: http\n:authority: A.test\n:path: /t?q\n");
  EXPECT_EQ(Sent(ParsedResponse("Content-Length: 7\r\nServer: s\r\n")),
            ":status: 200\nserver: s\ncontent-length: 7\n");
  EXPECT_EQ(Sent(ParsedResponse("Transfer-Encoding: chunked\r\n")), ":status: 200\n");
  EXPECT_EQ(Sent(ParsedResponse("", 503), true), ":status: 503\ncontent-length: 0\n");
  EXPECT_EQ(Sent(ParsedResponse("", 204), true), ":status: 204\n");
}

TEST_F(FieldListTest, InformationalResponsesAndTrailersAreFieldsAlone) {
  EXPECT_EQ(Lines(ToPairs(list_.Informational(ParsedResponse("Link: </s>\r\n", 103)))),
            ":status: 103\nlink: </s>\n");
  Headers trailers(arena_);
  trailers.Add("Grpc-Status", "0");
  trailers.Add("Connection", "close");
  EXPECT_EQ(Lines(ToPairs(list_.Trailers(trailers))), "grpc-status: 0\n");
  trailers.Clear();
  EXPECT_TRUE(list_.Trailers(trailers).empty());
}

TEST_F(FieldListTest, ARequestForWebSocketIsExtendedConnect) {
  RequestHead& head = Parsed(
      "Connection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n");
  head.upgrade = "websocket";
  EXPECT_EQ(Sent(head),
            ":method: CONNECT\n:protocol: websocket\n:scheme: http\n:authority: A.test\n"
            ":path: /t?q\nsec-websocket-version: 13\n");
  const ResponseHead& yes = ParsedResponse(
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nX-A: b\r\n", 101);
  EXPECT_EQ(Lines(ToPairs(list_.Response(yes, head, false))), ":status: 200\nx-a: b\n");
}

TEST_F(FieldListTest, SecretsAndWhatIsAlwaysNewAreKeptOutOfTheTable) {
  RequestHead& head =
      Parsed("Authorization: Bearer x\r\nX-Request-Id: 1\r\nX-Secret: s\r\nX-A: b\r\n");
  const_cast<Field*>(head.headers.Find("x-secret"))->never_indexed = true;
  for (const nghttp2_nv& pair : list_.Request(head, "https")) {
    const std::string name(reinterpret_cast<const char*>(pair.name), pair.namelen);
    const bool kept_out = name == "authorization" || name == "x-request-id" || name == "x-secret";
    EXPECT_EQ((pair.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0, kept_out) << name;
    EXPECT_NE(pair.flags & NGHTTP2_NV_FLAG_NO_COPY_NAME, 0) << name;
    EXPECT_NE(pair.flags & NGHTTP2_NV_FLAG_NO_COPY_VALUE, 0) << name;
  }
}

}  // namespace
}  // namespace gatehouse::http
