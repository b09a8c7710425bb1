// SPDX-License-Identifier: Apache-2.0
// Responses out of the server codec: framing, persistence, and how streams end.
#include <gtest/gtest.h>

#include <string>

#include "test/http/h1/server_connection.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHead = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kGet10 = "GET / HTTP/1.0\r\n\r\n";
constexpr std::string_view kGet10KeepAlive = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
constexpr std::string_view kHalfAPost =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";

class ServerCodecResponseTest : public testing::Test {
 protected:
  // Sends `head` with `framing` for the latest request.
  void SendHead(uint16_t status, Framing framing, uint64_t length, bool end) {
    ResponseHead head(connection_.latest().arena);
    head.status = status;
    head.framing = framing;
    head.content_length = length;
    sender().SendHeaders(head, end);
  }
  ResponseSender& sender() { return connection_.latest().sender; }
  // The output after the status line of a 200.
  std::string AfterStatus() {
    const std::string output = connection_.TakeOutput();
    constexpr std::string_view kStatus = "HTTP/1.1 200 OK\r\n";
    EXPECT_TRUE(output.starts_with(kStatus)) << output;
    return output.substr(kStatus.size());
  }
  void ExpectKeptAlive() {
    EXPECT_TRUE(connection_.latest().done);
    EXPECT_EQ(connection_.closes, 0);
    EXPECT_GT(connection_.codec().input_room(), 0u);
    EXPECT_FALSE(connection_.codec().busy());
  }
  void ExpectClosed(bool abrupt) {
    EXPECT_EQ(connection_.closes, 1);
    EXPECT_EQ(connection_.abrupt, abrupt);
    EXPECT_EQ(connection_.codec().input_room(), 0u);
    EXPECT_FALSE(connection_.codec().busy());
  }

  ServerConnection connection_;
};

TEST_F(ServerCodecResponseTest, WhatHasNotLeftCanBeTakenBack) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kChunked, 0, false);
  sender().SendData("half", false);
  EXPECT_TRUE(sender().TakeBack());
  SendHead(502, Framing::kLength, 3, false);
  sender().SendData("bad", true);
  EXPECT_EQ(connection_.TakeOutput(), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, WhatHasLeftCanNot) {
  connection_.Receive(kGet);
  EXPECT_FALSE(sender().TakeBack());  // Nothing was sent.
  SendHead(200, Framing::kLength, 5, false);
  connection_.TakeOutput();
  EXPECT_FALSE(sender().TakeBack());
  sender().SendData("hello", true);
  EXPECT_EQ(connection_.TakeOutput(), "hello");
}

TEST_F(ServerCodecResponseTest, LengthIsWrittenAsDeclared) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kLength, 5, false);
  sender().SendData("hel", false);
  sender().SendData("lo", true);
  EXPECT_EQ(AfterStatus(), "Content-Length: 5\r\n\r\nhello");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, NoContentIsLengthZero) {
  for (const Framing framing :
       {Framing::kNone, Framing::kChunked, Framing::kUntilClose, Framing::kLength}) {
    connection_.Receive(kGet);
    SendHead(200, framing, 0, true);
    EXPECT_EQ(AfterStatus(), "Content-Length: 0\r\n\r\n");
    ExpectKeptAlive();
  }
}

TEST_F(ServerCodecResponseTest, UnknownLengthsAreChunked) {
  for (const Framing framing : {Framing::kNone, Framing::kChunked, Framing::kUntilClose}) {
    connection_.Receive(kGet);
    SendHead(200, framing, 0, false);
    sender().SendData("hello, this is one chunk", false);
    sender().SendData("", false);
    sender().SendData("bye", true);
    EXPECT_EQ(AfterStatus(),
              "Transfer-Encoding: chunked\r\n\r\n18\r\nhello, this is one chunk\r\n"
              "3\r\nbye\r\n0\r\n\r\n");
    ExpectKeptAlive();
  }
}

TEST_F(ServerCodecResponseTest, LargeChunksAreWholeToo) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kChunked, 0, false);
  const std::string data(100'000, 'd');
  sender().SendData(data, false);
  sender().SendData("", true);
  EXPECT_EQ(AfterStatus(), "Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + data + "\r\n0\r\n\r\n");
}

TEST_F(ServerCodecResponseTest, TrailersNeedTheChunkedCoding) {
  connection_.Receive(kGet);
  Headers trailers(connection_.latest().arena);
  trailers.Add("X-T", "1");
  SendHead(200, Framing::kChunked, 0, false);
  sender().SendData("a", false);
  sender().SendTrailers(trailers);
  EXPECT_EQ(AfterStatus(), "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n");
  ExpectKeptAlive();
  connection_.Receive(kGet);
  SendHead(200, Framing::kLength, 1, false);
  sender().SendData("a", false);
  Headers others(connection_.latest().arena);
  sender().SendTrailers(others);
  EXPECT_EQ(AfterStatus(), "Content-Length: 1\r\n\r\na");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, OldClientsReadUntilTheClose) {
  connection_.Receive(kGet10KeepAlive);
  SendHead(200, Framing::kChunked, 0, false);
  sender().SendData("hello", false);
  EXPECT_EQ(AfterStatus(), "Connection: close\r\n\r\nhello");
  sender().SendData("", true);
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, OldClientsMayKeepTheConnection) {
  connection_.Receive(kGet10KeepAlive);
  connection_.Answer("hello");
  EXPECT_EQ(AfterStatus(), "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
  ExpectKeptAlive();
  connection_.Receive(kGet10);
  connection_.Answer("hello");
  EXPECT_EQ(AfterStatus(), "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, ClientsMayClose) {
  connection_.Receive("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n" +
                      std::string(kGet));
  connection_.Answer("1");
  EXPECT_EQ(AfterStatus(), "Content-Length: 1\r\nConnection: close\r\n\r\n1");
  ExpectClosed(false);
  EXPECT_EQ(connection_.requests.size(), 1u);
}

TEST_F(ServerCodecResponseTest, WhatFollowsARefusedWebSocketIsNoRequest) {
  connection_.Receive(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x, WebSocket/13\r\n\r\n"
      "GET /smug HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(connection_.latest().head->upgrade, "");
  connection_.Answer("1");
  ExpectClosed(false);
  EXPECT_EQ(connection_.requests.size(), 1u);
}

// An endpoint of HTTP/2 says nothing of it (RFC 8441 section 5).
TEST_F(ServerCodecResponseTest, A101WithoutAnAcceptGetsTheOneThatTheKeyWants) {
  CodecLimits limits;
  limits.websocket = true;
  ServerConnection connection(limits);
  connection.Receive(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  ASSERT_EQ(connection.latest().head->upgrade, "websocket");
  ResponseHead head(connection.latest().arena);
  head.status = 101;
  connection.latest().sender.SendHeaders(head, false);
  EXPECT_EQ(connection.TakeOutput(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST_F(ServerCodecResponseTest, OtherUpgradesAreIgnored) {
  connection_.Receive("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  connection_.Answer("1");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, HeadAnswersHaveALengthAndNoContent) {
  connection_.Receive(kHead);
  SendHead(200, Framing::kLength, 100, false);
  sender().SendData("dropped", true);
  EXPECT_EQ(AfterStatus(), "Content-Length: 100\r\n\r\n");
  ExpectKeptAlive();
  connection_.Receive(kHead);
  SendHead(200, Framing::kChunked, 0, true);
  EXPECT_EQ(AfterStatus(), "\r\n");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, SomeStatusesHaveNoContent) {
  connection_.Receive(kGet);
  SendHead(204, Framing::kLength, 5, false);
  sender().SendData("EVIL!", true);
  EXPECT_EQ(connection_.TakeOutput(), "HTTP/1.1 204 No Content\r\n\r\n");
  ExpectKeptAlive();
  connection_.Receive(kGet);
  SendHead(304, Framing::kLength, 100, true);
  EXPECT_EQ(connection_.TakeOutput(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, NeverMoreThanDeclared) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kLength, 5, false);
  sender().SendData("hello, HTTP/1.1 200 OK", false);
  sender().SendData("more", true);
  EXPECT_EQ(AfterStatus(), "Content-Length: 5\r\n\r\nhello");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, LessThanDeclaredIsCutOff) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kLength, 5, false);
  sender().SendData("hel", true);
  EXPECT_TRUE(connection_.latest().done);
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, ResettingCutsTheConnection) {
  connection_.Receive(kGet);
  SendHead(200, Framing::kLength, 5, false);
  sender().Reset(ErrorCode::kUpstreamReset);
  EXPECT_FALSE(connection_.latest().done);
  EXPECT_EQ(connection_.latest().reset.code, ErrorCode::kNone);
  ExpectClosed(false);
  sender().SendData("late", true);
  EXPECT_EQ(AfterStatus(), "Content-Length: 5\r\n\r\n");
}

TEST_F(ServerCodecResponseTest, ResettingContentWithoutAnEndOfItsOwnIsSeen) {
  connection_.Receive("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  SendHead(200, Framing::kChunked, 0, false);
  sender().SendData("half", false);
  sender().Reset(ErrorCode::kUpstreamReset);
  ExpectClosed(true);
}

TEST_F(ServerCodecResponseTest, AnEarlyAnswerIsTheLast) {
  connection_.Receive(kHalfAPost);
  connection_.Answer("no");
  EXPECT_EQ(AfterStatus(), "Content-Length: 2\r\nConnection: close\r\n\r\nno");
  EXPECT_TRUE(connection_.latest().done);
  ExpectClosed(false);
  connection_.Receive("world" + std::string(kGet));
  EXPECT_EQ(connection_.requests.size(), 1u);
  EXPECT_EQ(connection_.latest().body, "hello");
}

TEST_F(ServerCodecResponseTest, AnsweringFromWithinOnData) {
  connection_.on_data = [&](ServerConnection::Request&) {
    connection_.on_data = nullptr;
    connection_.Answer("no");
  };
  connection_.Receive(kHalfAPost);
  EXPECT_TRUE(connection_.latest().done);
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, ResettingFromWithinOnData) {
  connection_.on_data = [&](ServerConnection::Request& request) {
    request.sender.Reset(ErrorCode::kInternal);
  };
  connection_.Receive(std::string(kHalfAPost) + "more");
  EXPECT_EQ(connection_.latest().pieces, 1);
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, InformationalResponses) {
  connection_.Receive(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(connection_.latest().head->expects_continue);
  ResponseHead head(connection_.latest().arena);
  head.status = 100;
  sender().SendInformational(head);
  head.status = 103;
  head.headers.Add("Link", "</a.css>");
  head.headers.Add("Content-Length", "5");
  sender().SendInformational(head);
  head.status = 101;
  sender().SendInformational(head);
  EXPECT_EQ(connection_.TakeOutput(),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  connection_.Receive("ab");
  connection_.Answer("");
  head.status = 103;
  sender().SendInformational(head);
  EXPECT_EQ(AfterStatus(), "Content-Length: 0\r\n\r\n");
  ExpectKeptAlive();
}

TEST_F(ServerCodecResponseTest, OldClientsGetNoInformationalResponses) {
  connection_.Receive(kGet10);
  ResponseHead head(connection_.latest().arena);
  head.status = 103;
  sender().SendInformational(head);
  EXPECT_EQ(connection_.TakeOutput(), "");
}

TEST_F(ServerCodecResponseTest, DrainingEndsWithTheResponse) {
  connection_.Receive(kGet);
  connection_.codec().Drain();
  EXPECT_EQ(connection_.closes, 0);
  connection_.Answer("1");
  EXPECT_EQ(AfterStatus(), "Content-Length: 1\r\nConnection: close\r\n\r\n1");
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, DrainingClosesIdleConnections) {
  connection_.codec().Drain();
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, DrainingLetsAHeadFinish) {
  connection_.Receive("GET / HT");
  connection_.codec().Drain();
  EXPECT_EQ(connection_.closes, 0);
  connection_.Receive("TP/1.1\r\nHost: a\r\n\r\n");
  connection_.Answer("1");
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, OwnersMayAskForTheClose) {
  connection_.Receive(kGet);
  sender().CloseAfterResponse();
  connection_.Answer("1");
  EXPECT_EQ(AfterStatus(), "Content-Length: 1\r\nConnection: close\r\n\r\n1");
  ExpectClosed(false);
}

TEST_F(ServerCodecResponseTest, CreditComesWhileAResponseIsUnderWay) {
  connection_.Receive(kGet);
  connection_.codec().OnSinkDrained();
  EXPECT_EQ(connection_.latest().credits, 0);
  SendHead(200, Framing::kChunked, 0, false);
  connection_.codec().OnSinkDrained();
  EXPECT_EQ(connection_.latest().credits, 1);
  sender().SendData("", true);
  connection_.codec().OnSinkDrained();
  EXPECT_EQ(connection_.latest().credits, 1);
}

TEST_F(ServerCodecResponseTest, HopByHopFieldsAreNotPassedOn) {
  connection_.Receive(kGet);
  ResponseHead head(connection_.latest().arena);
  head.framing = Framing::kLength;
  head.headers.AddLine(Known::kConnection, "Connection", "x-hop", 19);
  head.headers.AddLine(Known::kNone, "X-Hop", "1", 10);
  head.headers.Add("Transfer-Encoding", "chunked");
  head.headers.Add("Upgrade", "h2c");
  head.headers.Add("X-A", "1");
  sender().SendHeaders(head, true);
  EXPECT_EQ(AfterStatus(), "X-A: 1\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace gatehouse::http
