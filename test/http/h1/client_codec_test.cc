// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "source/http/websocket/handshake.h"
#include "test/http/h1/client_connection.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(ClientCodecTest, OneRequestAfterAnother) {
  ClientConnection connection;
  for (const bool byte_by_byte : {false, true, false}) {
    ASSERT_TRUE(connection.codec().CanStart());
    connection.Request();
    EXPECT_EQ(connection.TakeOutput(), "GET /t HTTP/1.1\r\nHost: a.test\r\n\r\n");
    EXPECT_FALSE(connection.codec().CanStart());
    EXPECT_FALSE(connection.latest().sender->response_started());
    byte_by_byte ? connection.ReceiveByteByByte(kOk) : connection.Receive(kOk);
    EXPECT_EQ(connection.latest().head->status, 200);
    EXPECT_EQ(connection.latest().body, "ok");
    EXPECT_TRUE(connection.latest().ended);
    EXPECT_TRUE(connection.latest().done);
    EXPECT_TRUE(connection.latest().reusable);
  }
  EXPECT_EQ(connection.closes, 0);
}

TEST(ClientCodecTest, RequestContent) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kLength, 5);
  connection.latest().sender->SendData("hel", false);
  connection.latest().sender->SendData("lo, GET / HTTP/1.1", true);
  EXPECT_EQ(connection.TakeOutput(),
            "POST /t HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello");
  connection.Receive(kOk);
  EXPECT_TRUE(connection.latest().reusable);
  for (const Framing framing : {Framing::kChunked, Framing::kNone, Framing::kUntilClose}) {
    connection.Request(Method::kPost, false, framing);
    connection.latest().sender->SendData("hello", false);
    connection.latest().sender->SendData("", true);
    EXPECT_EQ(connection.TakeOutput(),
              "POST /t HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
              "5\r\nhello\r\n0\r\n\r\n");
    connection.Receive(kOk);
  }
  connection.Request(Method::kPost, true, Framing::kLength, 0);
  EXPECT_EQ(connection.TakeOutput(),
            "GET /t HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
  connection.Receive(kOk);
  connection.Request(Method::kPost, true, Framing::kChunked);
  EXPECT_TRUE(connection.TakeOutput().ends_with("chunked\r\n\r\n0\r\n\r\n"));
}

TEST(ClientCodecTest, RequestTrailers) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kChunked);
  Headers trailers(connection.latest().arena);
  trailers.Add("X-T", "1");
  connection.latest().sender->SendTrailers(trailers);
  EXPECT_TRUE(connection.TakeOutput().ends_with("\r\n\r\n0\r\nX-T: 1\r\n\r\n"));
  connection.Receive(kOk);
  EXPECT_TRUE(connection.latest().reusable);
}

TEST(ClientCodecTest, ARequestShorterThanDeclaredIsBroken) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kLength, 5);
  connection.latest().sender->SendData("hel", true);
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kInternal);
  EXPECT_EQ(connection.closes, 1);
}

TEST(ClientCodecTest, ChunkedContentAndTrailers) {
  ClientConnection connection;
  connection.Request();
  connection.Receive(std::string(kChunkedHead) + "2;a=b\r\nok\r\n0\r\n\r\n");
  EXPECT_EQ(connection.latest().body, "ok");
  EXPECT_TRUE(connection.latest().reusable);
  connection.Request();
  connection.ReceiveByteByByte(std::string(kChunkedHead) +
                               "2\r\nok\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n");
  ASSERT_NE(connection.latest().trailers, nullptr);
  EXPECT_EQ(connection.latest().trailers->count(), 1u);
  EXPECT_TRUE(connection.latest().reusable);
}

TEST(ClientCodecTest, AnswersWithoutContent) {
  ClientConnection connection;
  for (const std::string_view answer :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    connection.Request();
    connection.Receive(answer);
    EXPECT_TRUE(connection.latest().ended);
    EXPECT_TRUE(connection.latest().reusable) << answer;
  }
  connection.Request(Method::kHead);
  connection.Receive("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  EXPECT_EQ(connection.latest().head->content_length, 100u);
  EXPECT_TRUE(connection.latest().reusable);
}

TEST(ClientCodecTest, ExtraBytesSpoilTheConnection) {
  struct Case {
    Method method;
    std::string_view bytes;
  };
  for (const Case& test :
       {Case{Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 EVIL\r\n"},
        Case{Method::kHead, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEVIL!"},
        Case{Method::kGet, "HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nEVIL!"},
        Case{Method::kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nEVIL"},
        Case{Method::kGet,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\nEVIL"},
        Case{Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\n"}}) {
    ClientConnection connection;
    connection.Request(test.method);
    connection.Receive(test.bytes);
    EXPECT_TRUE(connection.latest().ended) << test.bytes;
    EXPECT_TRUE(connection.latest().done) << test.bytes;
    EXPECT_FALSE(connection.latest().reusable) << test.bytes;
    EXPECT_FALSE(connection.codec().CanStart());
    EXPECT_EQ(connection.latest().body.find("EVIL"), std::string::npos);
    EXPECT_TRUE(connection.left_over().empty());
    EXPECT_EQ(connection.closes, 0) << "said already";
  }
}

TEST(ClientCodecTest, BytesThatAnswerNothing) {
  ClientConnection idle;
  idle.Receive(kOk);
  EXPECT_EQ(idle.closes, 1);
  EXPECT_FALSE(idle.codec().CanStart());
  ClientConnection started;
  started.Start();
  started.Receive(kOk);
  EXPECT_EQ(started.latest().reset.code, ErrorCode::kUpstreamReset);
  EXPECT_FALSE(started.latest().sender->response_started());
  EXPECT_EQ(started.closes, 1);
}

TEST(ClientCodecTest, ConnectionsThatAreNotKept) {
  for (const std::string_view answer :
       {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    ClientConnection connection;
    connection.Request();
    connection.Receive(answer);
    EXPECT_TRUE(connection.latest().done);
    EXPECT_FALSE(connection.latest().reusable);
  }
  ClientConnection connection;
  connection.Request();
  connection.Receive("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(connection.latest().reusable);
}

TEST(ClientCodecTest, TheCloseEndsSomeContent) {
  ClientConnection connection;
  connection.Request();
  connection.Receive("HTTP/1.1 200 OK\r\n\r\nuntil close");
  EXPECT_EQ(connection.latest().body, "until close");
  EXPECT_FALSE(connection.latest().ended);
  connection.codec().OnEof();
  EXPECT_TRUE(connection.latest().ended);
  EXPECT_TRUE(connection.latest().done);
  EXPECT_FALSE(connection.latest().reusable);
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kNone);
}

TEST(ClientCodecTest, TheCloseWaitsForContentHeldBack) {
  CodecLimits limits;
  limits.window_bytes = 6;
  ClientConnection connection(limits);
  connection.consume = false;
  connection.Request();
  connection.Receive("HTTP/1.1 200 OK\r\n\r\nuntil close");
  connection.codec().OnEof();
  EXPECT_EQ(connection.latest().body, "until ");
  EXPECT_FALSE(connection.latest().ended);
  EXPECT_EQ(connection.codec().input_room(), 0u);
  connection.latest().sender->Consume(6);
  EXPECT_EQ(connection.inputs_wanted, 1);
  EXPECT_EQ(connection.latest().body, "until close");
  EXPECT_TRUE(connection.latest().done);
}

TEST(ClientCodecTest, AnEndBeforeTheWholeAnswerIsAReset) {
  for (const std::string_view answer :
       {"", "HTT", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    ClientConnection eof;
    eof.Request();
    eof.Receive(answer);
    EXPECT_EQ(eof.latest().sender->response_started(), !answer.empty());
    eof.codec().OnEof();
    EXPECT_EQ(eof.latest().reset.code, ErrorCode::kUpstreamReset) << answer;
    EXPECT_EQ(eof.latest().reset.source, ErrorSource::kUpstream);
    EXPECT_FALSE(eof.latest().ended);
    EXPECT_EQ(eof.closes, 1);
    ClientConnection lost;
    lost.Request();
    lost.Receive(answer);
    lost.codec().OnTransportLost({ErrorCode::kIo, ErrorSource::kUpstream, "reset by peer"});
    EXPECT_EQ(lost.latest().reset.code, ErrorCode::kUpstreamReset);
    EXPECT_EQ(lost.latest().reset.message, "reset by peer");
    EXPECT_EQ(lost.closes, 0);
  }
  ClientConnection lost;
  lost.Request();
  lost.Receive("HTTP/1.1 200 OK\r\n\r\nuntil close");
  lost.codec().OnTransportLost({ErrorCode::kIo, ErrorSource::kUpstream, "reset by peer"});
  EXPECT_EQ(lost.latest().reset.code, ErrorCode::kUpstreamReset);
}

TEST(ClientCodecTest, AnIdleConnectionThatEnds) {
  ClientConnection connection;
  connection.codec().OnEof();
  EXPECT_EQ(connection.closes, 1);
  EXPECT_FALSE(connection.codec().CanStart());
}

TEST(ClientCodecTest, InformationalResponses) {
  ClientConnection connection;
  connection.Request();
  connection.Receive("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
  EXPECT_EQ(connection.latest().informational, (std::vector<int>{100, 103}));
  EXPECT_FALSE(connection.latest().done);
  connection.Receive(kOk);
  EXPECT_EQ(connection.latest().body, "ok");
  EXPECT_TRUE(connection.latest().reusable);
}

TEST(ClientCodecTest, MalformedResponses) {
  std::string flood;
  for (int i = 0; i < 17; ++i) {
    flood += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  std::string options = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: ";
  for (int i = 0; i < 100; ++i) {
    options += "x,";
  }
  const std::string chunked(kChunkedHead);
  for (const std::string& answer :
       {std::string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), flood,
        options + "\r\n\r\n", std::string("HTTP/2.0 200 OK\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'v') + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'v'),
        std::string("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), std::string("\r\nHTTP/1.1 200 OK"),
        std::string("hello\n"), std::string("SSH-2.0"), std::string("HTTP/2"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"), chunked + "-2\r\nok\r\n",
        chunked + "2\nok\n0\n\n", chunked + "2\r\nokXX", chunked + "0\r\nX: a\x01\r\n\r\n",
        chunked + "0\r\nX : a\r\n\r\n", chunked + "0\r\nX: " + std::string(70'000, 'v')}) {
    ClientConnection connection;
    connection.Request();
    connection.Receive(answer);
    EXPECT_EQ(connection.latest().reset.code, ErrorCode::kMalformedResponse) << answer;
    EXPECT_EQ(connection.latest().reset.source, ErrorSource::kUpstream);
    EXPECT_EQ(connection.closes, 1);
    EXPECT_FALSE(connection.latest().ended);
    EXPECT_FALSE(connection.codec().CanStart());
  }
}

// A request that came over HTTP/2 has no key (RFC 8441 section 5).
TEST(ClientCodecTest, ARequestForWebSocketWithoutAKeyGetsOneOfOurs) {
  for (const bool honest : {true, false}) {
    ClientConnection connection;
    ClientConnection::Response& stream = connection.Start();
    auto* head = stream.arena.New<RequestHead>(stream.arena);
    head->method_name = "GET";
    head->target = "/chat";
    head->authority = "a.test";
    head->upgrade = "websocket";
    stream.sender->SendHeaders(*head, false);
    const std::string sent = connection.TakeOutput();
    constexpr std::string_view kField = "\r\nSec-WebSocket-Key: ";
    const size_t at = sent.find(kField);
    ASSERT_NE(at, std::string::npos) << sent;
    const std::string key = sent.substr(at + kField.size(), 24);
    connection.Receive(
        "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Accept: " +
        WebSocketAccept(honest ? key : "dGhlIHNhbXBsZSBub25jZQ==") + "\r\n\r\n");
    EXPECT_EQ(stream.head != nullptr, honest);
    EXPECT_EQ(stream.reset.code, honest ? ErrorCode::kNone : ErrorCode::kMalformedResponse);
  }
}

TEST(ClientCodecTest, AnEarlyAnswerLeavesTheRequestToItsOwner) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kLength, 10);
  connection.latest().sender->SendData("hello", false);
  connection.Receive(kOk);
  EXPECT_TRUE(connection.latest().ended);
  EXPECT_FALSE(connection.latest().done);
  connection.latest().sender->SendData("world", true);
  EXPECT_TRUE(connection.latest().done);
  EXPECT_FALSE(connection.latest().reusable);
  EXPECT_EQ(connection.closes, 0);
}

TEST(ClientCodecTest, AnEarlyAnswerAndThenTheConnectionIsLost) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kLength, 10);
  connection.Receive(kOk);
  connection.codec().OnEof();
  EXPECT_FALSE(connection.latest().done);
  connection.codec().OnTransportLost({ErrorCode::kIo, ErrorSource::kUpstream, "broken pipe"});
  EXPECT_TRUE(connection.latest().done);
  EXPECT_FALSE(connection.latest().reusable);
  // Whoever goes on with the request must not use its sender any more.
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kUpstreamReset);
}

TEST(ClientCodecTest, ResettingClosesTheConnection) {
  ClientConnection connection;
  connection.on_event = [](ClientConnection::Response& response) {
    response.sender->Reset(ErrorCode::kClientGone);
  };
  connection.Request();
  connection.Receive(kOk);
  EXPECT_EQ(connection.closes, 1);
  EXPECT_EQ(connection.latest().body, "");
  EXPECT_FALSE(connection.latest().done);
  EXPECT_EQ(connection.latest().reset.code, ErrorCode::kNone);
  EXPECT_EQ(connection.codec().input_room(), 0u);
}

TEST(ClientCodecTest, FinishingTheRequestFromWithinTheAnswer) {
  ClientConnection connection;
  connection.on_event = [](ClientConnection::Response& response) {
    response.sender->SendData("", true);
  };
  connection.Request(Method::kPost, false, Framing::kChunked);
  connection.Receive(kOk);
  EXPECT_TRUE(connection.latest().done);
  EXPECT_TRUE(connection.latest().reusable) << "the request was whole before the response was";
}

TEST(ClientCodecTest, CreditComesWhileARequestIsUnderWay) {
  ClientConnection connection;
  connection.Request(Method::kPost, false, Framing::kChunked);
  connection.codec().OnSinkDrained();
  EXPECT_EQ(connection.latest().credits, 1);
  connection.latest().sender->SendData("", true);
  connection.codec().OnSinkDrained();
  EXPECT_EQ(connection.latest().credits, 1);
}

}  // namespace
}  // namespace gatehouse::http
