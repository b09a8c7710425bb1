// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "test/http/h2/blocks.h"

namespace gatehouse::http {
namespace {

class ResponseBlockTest : public testing::Test {
 protected:
  std::string Refusal(const Pairs& pairs, bool end = true, Method method = Method::kGet,
                      bool upgrade = false) {
    head_ = arena_.New<ResponseHead>(arena_);
    block_.Begin(*head_, method, upgrade);
    return Feed(block_, pairs, end);
  }
  ResponseHead& Taken(const Pairs& pairs, bool end = true, Method method = Method::kGet,
                      bool upgrade = false) {
    EXPECT_EQ(Refusal(pairs, end, method, upgrade), "");
    return *head_;
  }

  CodecLimits limits_;
  ArenaPool pool_;
  Arena arena_{pool_};
  ResponseBlock block_{limits_};
  ResponseHead* head_ = nullptr;
};

TEST_F(ResponseBlockTest, AHeadHasStatusFieldsAndFraming) {
  const ResponseHead& head = Taken({{":status", "404"},
                                    {"server", "s"},
                                    {"set-cookie", "a=1"},
                                    {"set-cookie", "b=2"},
                                    {"cookie", "c"}},
                                   false);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "");
  EXPECT_EQ(head.framing, Framing::kChunked);
  EXPECT_EQ(Lines(head.headers), "server: s\nset-cookie: a=1\nset-cookie: b=2\ncookie: c\n");
}

TEST_F(ResponseBlockTest, TheStatusIsThreeDigitsAndOneOfHttp2) {
  for (const std::string status :
       {"", "0", "20", "2000", "099", "600", "999", "2x0", "200 ", " 200", "+20", "200 OK"}) {
    EXPECT_EQ(Refusal({{":status", status}}), "the status is not a number from 100 to 599")
        << status;
  }
  EXPECT_EQ(Refusal({{":status", "101"}}, false), "status 101, which HTTP/2 does not have");
  EXPECT_EQ(Refusal({{"server", "s"}}), "no :status");
  EXPECT_EQ(Refusal({{":status", "200"}, {":status", "200"}}), "a pseudo-header field comes twice");
  EXPECT_EQ(Refusal({{"server", "s"}, {":status", "200"}}),
            "a pseudo-header field comes behind other fields");
  EXPECT_EQ(Refusal({{":status", "200"}, {":path", "/"}}),
            "a pseudo-header field that responses don't have");
}

TEST_F(ResponseBlockTest, InformationalResponsesEndNothing) {
  EXPECT_EQ(Taken({{":status", "103"}, {"link", "</s>"}}, false).status, 103);
  EXPECT_EQ(Refusal({{":status", "103"}}, true), "an informational response ends the stream");
}

TEST_F(ResponseBlockTest, FieldsAreThoseOfHttp2) {
  for (const Pair& field : Pairs{{"connection", "close"},
                                 {"transfer-encoding", "chunked"},
                                 {"upgrade", "h2c"},
                                 {"keep-alive", "1"},
                                 {"te", "trailers"},
                                 {"Server", "s"},
                                 {"x-a", "b\r\nSet-Cookie: c"},
                                 {"x-a", " b"}}) {
    EXPECT_NE(Refusal({{":status", "200"}, field}), "") << field.first;
  }
  block_.Begin(*arena_.New<ResponseHead>(arena_), Method::kGet, false);
  block_.Add(":status", "200", false);
  block_.Add("Server", "s", false);
  EXPECT_EQ(block_.Finish(true).code, ErrorCode::kMalformedResponse);
}

TEST_F(ResponseBlockTest, LengthsCountWhereThereIsContent) {
  const Pairs five = {{":status", "200"}, {"content-length", "5"}};
  EXPECT_EQ(Taken(five, false).framing, Framing::kLength);
  EXPECT_EQ(head_->content_length, 5u);
  EXPECT_EQ(Refusal(five, true), "less content than Content-Length says");
  EXPECT_EQ(Taken(five, true, Method::kHead).content_length, 5u);
  EXPECT_EQ(Taken({{":status", "304"}, {"content-length", "5"}}).framing, Framing::kLength);
  EXPECT_EQ(Taken({{":status", "204"}, {"content-length", "5"}}).framing, Framing::kNone);
  EXPECT_EQ(Taken({{":status", "200"}}, true).framing, Framing::kNone);
  EXPECT_EQ(Refusal({{":status", "200"}, {"content-length", "5"}, {"content-length", "5"}}, false),
            "more than one Content-Length");
  EXPECT_EQ(Refusal({{":status", "200"}, {"content-length", "5,5"}}, false),
            "Content-Length is not a number of bytes");
}

TEST_F(ResponseBlockTest, AYesToWebSocketIs101) {
  const ResponseHead& head = Taken({{":status", "200"},
                                    {"sec-websocket-accept", "x"},
                                    {"content-length", "9"},
                                    {"sec-websocket-protocol", "chat"}},
                                   false, Method::kGet, true);
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.framing, Framing::kNone);
  EXPECT_EQ(Lines(head.headers), "sec-websocket-protocol: chat\n");
  EXPECT_EQ(Taken({{":status", "403"}}, true, Method::kGet, true).status, 403);
}

TEST_F(ResponseBlockTest, SizesAreLimited) {
  limits_.max_headers = 1;
  EXPECT_EQ(Refusal({{":status", "200"}, {"x-a", ""}, {"x-b", ""}}),
            "more fields than the limit allows");
  limits_.max_header_bytes = 50;
  EXPECT_EQ(Refusal({{":status", "200"}, {"x-a", ""}}), "the head is too large");
}

}  // namespace
}  // namespace gatehouse::http
