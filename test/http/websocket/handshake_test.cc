// SPDX-License-Identifier: Apache-2.0
#include "source/http/websocket/handshake.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

class HandshakeTest : public testing::Test {
 protected:
  HandshakeTest() {
    request_.method_name = "GET";
    request_.headers.Add("Connection", "keep-alive, Upgrade");
    request_.headers.Add("Upgrade", "WebSocket");
    request_.headers.Add("Sec-WebSocket-Version", "13");
    // The example of RFC 6455 section 1.3.
    request_.headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    response_.status = 101;
    response_.headers.Add("Connection", "Upgrade");
    response_.headers.Add("Upgrade", "websocket");
    response_.headers.Add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  }
  ArenaPool pool_;
  Arena arena_{pool_};
  RequestHead request_{arena_};
  ResponseHead response_{arena_};
};

TEST_F(HandshakeTest, TheExampleOfTheRfcIsAccepted) {
  EXPECT_TRUE(IsWebSocketRequest(request_));
  EXPECT_TRUE(AcceptsWebSocket(WebSocketKey(request_.headers), response_));
}

TEST_F(HandshakeTest, AnotherProtocolBesideItIsNotForwarded) {
  request_.headers.Set("Upgrade", "websocket, h2c");
  EXPECT_FALSE(IsWebSocketRequest(request_));
}

TEST_F(HandshakeTest, OtherVersionsMethodsAndKeysAreNot) {
  request_.headers.Set("Sec-WebSocket-Version", "777");
  EXPECT_FALSE(IsWebSocketRequest(request_));
  request_.headers.Set("Sec-WebSocket-Version", "13");
  request_.headers.Set("Sec-WebSocket-Key", "short");
  EXPECT_FALSE(IsWebSocketRequest(request_));
  request_.headers.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  request_.method = Method::kPost;
  EXPECT_FALSE(IsWebSocketRequest(request_));
}

TEST_F(HandshakeTest, WithoutTheConnectionOptionItIsAnOrdinaryRequest) {
  request_.headers.Set("Connection", "keep-alive");
  EXPECT_FALSE(IsWebSocketRequest(request_));
}

TEST_F(HandshakeTest, AnAcceptOfAnotherKeyIsRefused) {
  response_.headers.Set("Sec-WebSocket-Accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  EXPECT_FALSE(AcceptsWebSocket(WebSocketKey(request_.headers), response_));
  response_.headers.Remove("Sec-WebSocket-Accept");
  EXPECT_FALSE(AcceptsWebSocket(WebSocketKey(request_.headers), response_));
}

TEST_F(HandshakeTest, AnAcceptTwiceIsRefused) {
  response_.headers.Add("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(AcceptsWebSocket(WebSocketKey(request_.headers), response_));
}

TEST_F(HandshakeTest, OurOwnKeysAndAcceptsAreSound) {
  const std::string key = NewWebSocketKey();
  EXPECT_NE(key, NewWebSocketKey());
  request_.headers.Set("Sec-WebSocket-Key", key);
  EXPECT_TRUE(IsWebSocketRequest(request_)) << key;
  const std::string accept = WebSocketAccept(key);
  response_.headers.Set("Sec-WebSocket-Accept", accept);
  EXPECT_TRUE(AcceptsWebSocket(key, response_));
  EXPECT_FALSE(AcceptsWebSocket("dGhlIHNhbXBsZSBub25jZQ==", response_));
  EXPECT_EQ(WebSocketAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace gatehouse::http
