// SPDX-License-Identifier: Apache-2.0
// Requests into the server codec: how they are told apart, delivered, limited and refused.
#include <gtest/gtest.h>

#include <string>

#include "test/http/h1/server_connection.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n";
constexpr std::string_view kPost =
    "POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunkedHead =
    "POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";

// The code with which the first request of `bytes` is refused, or kNone.
ErrorCode Refusal(std::string_view bytes, const CodecLimits& limits = {}) {
  ServerConnection connection(limits);
  connection.Receive(bytes);
  if (connection.requests.empty()) {
    return ErrorCode::kNone;
  }
  const ErrorCode code = connection.requests.front()->refused.code;
  EXPECT_EQ(connection.requests.size(), 1u);
  EXPECT_EQ(connection.codec().input_room(), 0u);
  return code;
}

TEST(ServerCodecRequestTest, RequestsAreTheSameHoweverTheyArrive) {
  for (const bool byte_by_byte : {false, true}) {
    ServerConnection connection;
    const std::string bytes = std::string(kPost);
    byte_by_byte ? connection.ReceiveByteByByte(bytes) : connection.Receive(bytes);
    ASSERT_EQ(connection.requests.size(), 1u);
    EXPECT_EQ(connection.latest().head->path, "/p");
    EXPECT_EQ(connection.latest().body, "hello");
    EXPECT_TRUE(connection.latest().ended);
    EXPECT_FALSE(connection.codec().reading_head());
    EXPECT_TRUE(connection.codec().busy());
  }
}

TEST(ServerCodecRequestTest, AHeadUnderWayShows) {
  ServerConnection connection;
  EXPECT_FALSE(connection.codec().busy());
  connection.Receive("G");
  EXPECT_TRUE(connection.codec().busy());
  EXPECT_TRUE(connection.codec().reading_head());
  EXPECT_GT(connection.codec().input_room(), 0u);
  EXPECT_TRUE(connection.requests.empty());
}

TEST(ServerCodecRequestTest, PipelinedRequestsWaitForTheirTurn) {
  ServerConnection connection;
  connection.Receive(std::string(kPost) + std::string(kGet) + std::string(kGet));
  ASSERT_EQ(connection.requests.size(), 1u);
  EXPECT_EQ(connection.left_over().size(), 2 * kGet.size());
  EXPECT_EQ(connection.codec().input_room(), 0u);
  connection.Answer("1");
  ASSERT_EQ(connection.requests.size(), 2u);
  EXPECT_TRUE(connection.requests[0]->done);
  connection.Answer("2");
  connection.Answer("3");
  EXPECT_EQ(connection.requests.size(), 3u);
  EXPECT_EQ(connection.closes, 0);
  EXPECT_FALSE(connection.codec().busy());
  EXPECT_GT(connection.codec().input_room(), 0u);
}

TEST(ServerCodecRequestTest, AnsweringAtOnceDoesNotRecurse) {
  ServerConnection connection;
  connection.on_headers = [&](auto&) { connection.Answer("x"); };
  std::string many;
  for (int i = 0; i < 1000; ++i) {
    many += kGet;
  }
  connection.Receive(many);
  EXPECT_EQ(connection.requests.size(), 1000u);
  EXPECT_EQ(connection.inputs_wanted, 0);
  EXPECT_TRUE(connection.left_over().empty());
}

TEST(ServerCodecRequestTest, ChunkedContentAndTrailers) {
  ServerConnection connection;
  connection.Receive(std::string(kChunkedHead) + "5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(connection.latest().body, "hello");
  EXPECT_EQ(connection.latest().pieces, 1);
  EXPECT_TRUE(connection.latest().ended);
  connection.Answer("");
  connection.ReceiveByteByByte(std::string(kChunkedHead) +
                               "5\r\nhello\r\n0\r\nX-T: 1\r\nContent-Length: 50\r\nHost: b\r\n"
                               "Set-Cookie: a\r\nAuthorization: b\r\nConnection: x\r\n\r\n");
  ASSERT_NE(connection.latest().trailers, nullptr);
  EXPECT_EQ(connection.latest().trailers->count(), 1u);
  EXPECT_EQ(connection.latest().trailers->Find("x-t")->value, "1");
  EXPECT_TRUE(connection.latest().ended);
  connection.Answer("");
  connection.Receive(std::string(kChunkedHead) + "0\r\nContent-Length: 50\r\n\r\n");
  EXPECT_EQ(connection.latest().trailers, nullptr);
  EXPECT_TRUE(connection.latest().ended);
}

TEST(ServerCodecRequestTest, MalformedContentEndsTheStream) {
  for (const std::string_view content :
       {"5g\r\n", "3\r\nhello\r\n", "5\r\nhello\r\n0\r\nX-T: a\r\n b\r\n\r\n",
        "0\r\nX-T: a\nb: c\r\n\r\n", "0\r\nX-T: \x01\r\n\r\n", "0\r\nX T: a\r\n\r\n", "0\r\n\nX"}) {
    ServerConnection connection;
    connection.Receive(std::string(kChunkedHead) + std::string(content) + "GET /smug HTTP/1.1\r\n");
    EXPECT_EQ(connection.latest().reset.code, ErrorCode::kMalformedRequest) << content;
    EXPECT_EQ(connection.latest().reset.source, ErrorSource::kDownstream);
    EXPECT_TRUE(connection.left_over().empty());
    EXPECT_EQ(connection.closes, 0) << "it may still be answered";
    connection.Answer("no");
    EXPECT_TRUE(connection.latest().done);
    EXPECT_EQ(connection.closes, 1);
    EXPECT_FALSE(connection.abrupt);
    EXPECT_EQ(connection.requests.size(), 1u);
  }
}

TEST(ServerCodecRequestTest, MalformedContentCutsAnAnswerThatHasBegun) {
  ServerConnection connection;
  connection.Receive(std::string(kChunkedHead) + "5\r\nhel");
  ResponseHead head(connection.latest().arena);
  head.framing = Framing::kChunked;
  connection.latest().sender.SendHeaders(head, false);
  connection.Receive("loXX");
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kMalformedRequest);
  EXPECT_EQ(connection.closes, 1);
  EXPECT_TRUE(connection.abrupt);
}

TEST(ServerCodecRequestTest, TrailersAreLimited) {
  CodecLimits limits;
  limits.max_header_bytes = 1000;
  limits.max_headers = 10;
  for (const std::string& trailers :
       {"X: " + std::string(2000, 'v'), "X: " + std::string(999, 'v') + "\r\n\r\n"}) {
    ServerConnection connection(limits);
    connection.Receive(std::string(kChunkedHead) + "0\r\n" + trailers);
    EXPECT_EQ(connection.latest().reset.code, ErrorCode::kHeadersTooLarge);
  }
  ServerConnection connection(limits);
  std::string many;
  for (int i = 0; i < 11; ++i) {
    many += "X: 1\r\n";
  }
  connection.Receive(std::string(kChunkedHead) + "0\r\n" + many + "\r\n");
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kHeadersTooLarge);
}

TEST(ServerCodecRequestTest, AFullWindowHoldsContentBack) {
  CodecLimits limits;
  limits.window_bytes = 4;
  ServerConnection connection(limits);
  connection.consume = false;
  connection.Receive(kPost);
  EXPECT_EQ(connection.latest().body, "hell");
  EXPECT_EQ(connection.left_over(), "o");
  EXPECT_EQ(connection.codec().input_room(), 0u);
  connection.latest().sender.Consume(1);
  EXPECT_EQ(connection.inputs_wanted, 1);
  EXPECT_EQ(connection.latest().body, "hello");
  EXPECT_TRUE(connection.latest().ended);
}

TEST(ServerCodecRequestTest, AConsumingOwnerGetsEverythingAtOnce) {
  CodecLimits limits;
  limits.window_bytes = 2;
  ServerConnection connection(limits);
  connection.Receive(kPost);
  EXPECT_EQ(connection.latest().body, "hello");
  EXPECT_EQ(connection.latest().pieces, 3);
  EXPECT_EQ(connection.inputs_wanted, 0);
}

TEST(ServerCodecRequestTest, EmptyLinesBeforeARequest) {
  EXPECT_EQ(Refusal("\n" + std::string(kGet)), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("\r\r\n" + std::string(kGet)), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("\r\n\r\n\r\n\r\n\r\n" + std::string(kGet)), ErrorCode::kMalformedRequest);
  ServerConnection connection;
  connection.ReceiveByteByByte("\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(connection.latest().head->path, "/a");
}

TEST(ServerCodecRequestTest, RefusedBeforeTheHeadIsWhole) {
  EXPECT_EQ(Refusal("GET /t\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("GET /t HTTP/2.0\r\nHost:"), ErrorCode::kVersionNotSupported);
  EXPECT_EQ(Refusal("\x16\x03\x01\x02"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("GET /t HTTP/1.1\nHost: a"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("GET /t HTTP/1.1\rHost: a\r\n\r\n"), ErrorCode::kMalformedRequest);
  EXPECT_EQ(Refusal("GET /t HTTP/1.1\r\nHost: a\r\nX: \x01"), ErrorCode::kMalformedRequest);
}

TEST(ServerCodecRequestTest, LimitsOfHeads) {
  CodecLimits limits;
  limits.max_header_bytes = 1000;
  const std::string long_line = "GET /" + std::string(1000, 'a');
  const std::string long_field = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1000, 'a');
  EXPECT_EQ(Refusal(long_line, limits), ErrorCode::kTargetTooLong);
  EXPECT_EQ(Refusal(long_line + " HTTP/1.1\r\nHost: a\r\n\r\n", limits), ErrorCode::kTargetTooLong);
  EXPECT_EQ(Refusal(long_field, limits), ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(Refusal(long_field + "\r\n\r\n", limits), ErrorCode::kHeadersTooLarge);
  ServerConnection connection(limits);
  connection.ReceiveByteByByte(long_field);
  EXPECT_EQ(connection.latest().refused.code, ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(connection.latest().head->method_name, "GET");
}

TEST(ServerCodecRequestTest, ARefusedRequestIsAnsweredAndTheLast) {
  ServerConnection connection;
  connection.Receive("GET /t HTTP/1.1\r\nHost : a\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(connection.latest().refused.code, ErrorCode::kMalformedRequest);
  EXPECT_EQ(connection.latest().head->path, "/t");
  EXPECT_EQ(connection.closes, 0);
  connection.Answer("no");
  EXPECT_EQ(connection.TakeOutput(),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  EXPECT_TRUE(connection.latest().done);
  EXPECT_EQ(connection.closes, 1);
  connection.Receive(kGet);
  EXPECT_EQ(connection.requests.size(), 1u);
}

TEST(ServerCodecRequestTest, AHeadThatTakesTooLong) {
  ServerConnection connection;
  EXPECT_FALSE(connection.codec().OnHeadTimeout());
  connection.Receive("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(connection.codec().OnHeadTimeout());
  EXPECT_EQ(connection.latest().refused.code, ErrorCode::kRequestTimeout);
  connection.Receive("st: a\r\n\r\n");
  EXPECT_EQ(connection.requests.size(), 1u);
  connection.Answer("late");
  EXPECT_EQ(connection.closes, 1);
}

TEST(ServerCodecRequestTest, TooManyConnectionOptions) {
  std::string options;
  for (int i = 0; i < 100; ++i) {
    options += "x,";
  }
  EXPECT_EQ(Refusal("GET / HTTP/1.1\r\nHost: a\r\nConnection: " + options + "\r\n\r\n"),
            ErrorCode::kMalformedRequest);
}

TEST(ServerCodecRequestTest, EofWithinARequest) {
  ServerConnection connection;
  connection.Receive(std::string(kChunkedHead) + "5\r\nhel");
  connection.codec().OnEof();
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(connection.closes, 1);
  EXPECT_FALSE(connection.codec().busy());
}

TEST(ServerCodecRequestTest, EofWithinAHeadOrBetweenRequests) {
  for (const std::string_view bytes : {"", "GET /", "\r"}) {
    ServerConnection connection;
    connection.Receive(bytes);
    connection.codec().OnEof();
    EXPECT_TRUE(connection.requests.empty());
    EXPECT_EQ(connection.closes, 1);
  }
}

TEST(ServerCodecRequestTest, EofAfterRequestsWaitsForTheirAnswers) {
  ServerConnection connection;
  connection.Receive(std::string(kGet) + std::string(kGet));
  connection.codec().OnEof();
  EXPECT_EQ(connection.closes, 0);
  connection.Answer("1");
  EXPECT_EQ(connection.requests.size(), 2u);
  EXPECT_EQ(connection.closes, 0);
  connection.Answer("2");
  EXPECT_TRUE(connection.requests[1]->done);
  EXPECT_EQ(connection.closes, 1);
  EXPECT_FALSE(connection.abrupt);
  EXPECT_TRUE(connection.TakeOutput().ends_with("Connection: close\r\n\r\n2"));
}

TEST(ServerCodecRequestTest, ALostTransportEndsTheStreamOnce) {
  ServerConnection connection;
  connection.Receive(kGet);
  connection.codec().OnTransportLost({ErrorCode::kIo, ErrorSource::kDownstream, "reset by peer"});
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(connection.latest().reset.message, "reset by peer");
  EXPECT_EQ(connection.closes, 0);
  connection.Answer("late");
  EXPECT_EQ(connection.TakeOutput(), "");
}

}  // namespace
}  // namespace gatehouse::http
