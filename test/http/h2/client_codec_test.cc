// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "test/http/h2/client_peer.h"

namespace gatehouse::http {
namespace {

TEST(H2ClientCodecTest, ManyRequestsAtATime) {
  ClientPeer peer;
  EXPECT_TRUE(peer.codec().CanStart()) << "before the endpoint has said a word";
  peer.Request();
  peer.Request();
  EXPECT_EQ(peer.sink.bytes(), "");
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames),
            "SETTINGS\nWINDOW_UPDATE 0 1073676289\nHEADERS 1 end\nHEADERS 3 end\n");
  EXPECT_EQ(frames[2].payload, ":method: GET\n:scheme: http\n:authority: a.test\n:path: /t\n");
  peer.ReceiveByteByByte(SettingsFrame() + HeadersFrame(3, OkBlock(), false) +
                         DataFrame(3, "three", true));
  EXPECT_EQ(peer.exchanges[1]->head->status, 200);
  EXPECT_EQ(peer.exchanges[1]->body, "three");
  EXPECT_TRUE(peer.exchanges[1]->ended);
  EXPECT_EQ(peer.done, 1);
  EXPECT_FALSE(peer.exchanges[0]->sender->response_started());
  peer.Receive(HeadersFrame(1, OkBlock(Literal("content-length", "0"))));
  EXPECT_TRUE(peer.exchanges[0]->ended);
  EXPECT_EQ(peer.done, 2);
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ClientCodecTest, ContentAndTrailersBothWays) {
  ClientPeer peer;
  peer.Begin();
  ClientPeer::Exchange& exchange = peer.Request(Method::kPost, false);
  exchange.SendData("abc", false);
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 3\n");
  EXPECT_EQ(exchange.credits, 1);
  Headers trailers(exchange.arena);
  trailers.Add("x-sum", "7");
  exchange.whole = true;
  exchange.sender->SendTrailers(trailers);
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1 end\n");
  EXPECT_EQ(frames[0].payload, "x-sum: 7\n");
  peer.Receive(HeadersFrame(1, Literal(":status", "103"), false) +
               HeadersFrame(1, OkBlock(), false) + DataFrame(1, "ok") +
               HeadersFrame(1, Literal("x-t", "8")));
  EXPECT_EQ(exchange.informational, std::vector<uint16_t>{103});
  EXPECT_EQ(exchange.body, "ok");
  EXPECT_EQ(exchange.trailers->Find("x-t")->value, "8");
  EXPECT_EQ(peer.done, 1);
}

TEST(H2ClientCodecTest, AnswersToHeadHaveNoContent) {
  ClientPeer peer;
  peer.Begin();
  peer.Request(Method::kHead);
  (void)peer.Flush();
  peer.Receive(HeadersFrame(1, OkBlock(Literal("content-length", "9"))));
  EXPECT_TRUE(peer.latest().ended);
  EXPECT_EQ(peer.latest().head->content_length, 9u);
  EXPECT_EQ(peer.done, 1);
}

TEST(H2ClientCodecTest, TheEndpointsLimitOfStreams) {
  ClientPeer peer;
  EXPECT_EQ(peer.codec().max_streams(), 100u);
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2));
  EXPECT_EQ(peer.capacity_changes, 1);
  EXPECT_EQ(peer.codec().max_streams(), 2u);
  peer.Request();
  EXPECT_TRUE(peer.codec().CanStart());
  peer.Request();
  EXPECT_FALSE(peer.codec().CanStart());
  EXPECT_EQ(peer.Said(), "HEADERS 1 end\nHEADERS 3 end\n");
  peer.Receive(HeadersFrame(1, OkBlock()));
  EXPECT_TRUE(peer.codec().CanStart());
  // Fewer than have been started: the last waits.
  peer.Request();
  peer.Receive(SettingsFrame(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1));
  EXPECT_EQ(peer.Said(), "SETTINGS ack\n");
  // One more that waits, and goes with all that its head refers to.
  peer.exchanges[2]->sender->Reset(ErrorCode::kClientGone);
  peer.exchanges[2]->arena.Reset();
  peer.Receive(HeadersFrame(3, OkBlock()));
  EXPECT_EQ(peer.Said(), "");
  peer.Request();
  EXPECT_EQ(peer.Said(), "HEADERS 5 end\n");
}

TEST(H2ClientCodecTest, ResetsByTheEndpoint) {
  ClientPeer peer;
  peer.Begin();
  for (int i = 0; i < 3; ++i) {
    peer.Request();
  }
  (void)peer.Flush();
  peer.Receive(ResetFrame(1, NGHTTP2_REFUSED_STREAM));
  EXPECT_EQ(peer.exchanges[0]->reset.code, ErrorCode::kUpstreamUnprocessed);
  EXPECT_EQ(peer.done, 1);
  peer.Receive(ResetFrame(3, NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(peer.exchanges[1]->reset.code, ErrorCode::kUpstreamReset);
  peer.Receive(HeadersFrame(5, OkBlock(), false) + DataFrame(5, "ha") +
               ResetFrame(5, NGHTTP2_NO_ERROR));
  EXPECT_EQ(peer.exchanges[2]->reset.code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(peer.done, 3);
  EXPECT_EQ(peer.closes, 0);
  EXPECT_TRUE(peer.codec().CanStart());
}

TEST(H2ClientCodecTest, AnAnswerBeforeTheRequestIsWhole) {
  ClientPeer peer;
  peer.Begin();
  // The endpoint has enough, and says so.
  ClientPeer::Exchange& first = peer.Request(Method::kPost, false);
  first.SendData("abc", false);
  (void)peer.Flush();
  peer.Receive(HeadersFrame(1, OkBlock()));
  EXPECT_TRUE(first.ended);
  EXPECT_EQ(peer.done, 0);
  peer.Receive(ResetFrame(1, NGHTTP2_NO_ERROR));
  EXPECT_EQ(first.sender, nullptr) << "it is told that its sender is of no use any more";
  EXPECT_EQ(peer.done, 1);
  // It says nothing, and the owner goes on to the end.
  ClientPeer::Exchange& second = peer.Request(Method::kPost, false);
  (void)peer.Flush();
  peer.Receive(HeadersFrame(3, OkBlock()));
  second.SendData("rest", true);
  EXPECT_EQ(peer.Said(), "DATA 3 4 end\n");
  EXPECT_EQ(peer.done, 2);
  EXPECT_EQ(second.sender, nullptr);
  // The owner has ended its request, and the window keeps that from leaving.
  peer.Receive(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
  ClientPeer::Exchange& third = peer.Request(Method::kPost, false);
  third.SendData("never", true);
  EXPECT_EQ(peer.Said(), "SETTINGS ack\nHEADERS 5\n");
  peer.Receive(HeadersFrame(5, OkBlock()));
  EXPECT_TRUE(third.ended);
  EXPECT_EQ(peer.done, 3);
  EXPECT_EQ(peer.Said(), "RST_STREAM 5 8\n");
}

TEST(H2ClientCodecTest, ResetsByTheOwner) {
  ClientPeer peer;
  peer.Begin();
  peer.Request();
  peer.latest().sender->Reset(ErrorCode::kClientGone);
  peer.latest().arena.Reset();
  EXPECT_EQ(peer.Said(), "") << "it had not begun";
  EXPECT_EQ(peer.done, 1);
  peer.Request();
  (void)peer.Flush();
  peer.latest().sender->Reset(ErrorCode::kClientGone);
  peer.latest().arena.Reset();
  EXPECT_EQ(peer.Said(), "RST_STREAM 1 8\n");
  EXPECT_EQ(peer.done, 2);
  peer.Receive(HeadersFrame(1, OkBlock(), false) + DataFrame(1, "too late", true));
  EXPECT_EQ(peer.latest().head, nullptr);
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ClientCodecTest, Goaway) {
  ClientPeer peer;
  peer.Begin();
  peer.Request();
  peer.Request();
  (void)peer.Flush();
  ClientPeer::Exchange& unsent = peer.Request();
  peer.Receive(Frame(NGHTTP2_GOAWAY, 0, 0, BigEndian(1, 4) + BigEndian(0, 4)));
  EXPECT_EQ(peer.exchanges[1]->reset.code, ErrorCode::kUpstreamUnprocessed);
  EXPECT_EQ(unsent.reset.code, ErrorCode::kUpstreamUnprocessed);
  EXPECT_EQ(peer.exchanges[0]->reset.code, ErrorCode::kNone);
  EXPECT_EQ(peer.codec().max_streams(), 0u);
  EXPECT_FALSE(peer.codec().CanStart());
  EXPECT_EQ(peer.capacity_changes, 2);
  EXPECT_EQ(peer.done, 2);
  EXPECT_EQ(peer.closes, 0);
  (void)peer.Flush();
  peer.Receive(HeadersFrame(1, OkBlock()));
  (void)peer.Flush();
  EXPECT_TRUE(peer.exchanges[0]->ended);
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ClientCodecTest, MalformedAnswersEndTheirStream) {
  ClientPeer peer;
  peer.Begin();
  uint32_t stream = 1;
  for (const std::string& answer :
       {Literal(":status", "2000"), Literal(":status", "200") + Literal("connection", "close"),
        Literal("x-a", "1"), Literal(":status", "100")}) {
    peer.Request();
    (void)peer.Flush();
    peer.Receive(HeadersFrame(stream, answer));
    EXPECT_EQ(peer.latest().reset.code, ErrorCode::kMalformedResponse);
    EXPECT_EQ(peer.Said(), "RST_STREAM " + std::to_string(stream) + " 1\n");
    stream += 2;
  }
  peer.Request();
  (void)peer.Flush();
  peer.Receive(HeadersFrame(stream, OkBlock(Literal("content-length", "2")), false) +
               DataFrame(stream, "a", true));
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kMalformedResponse);
  EXPECT_EQ(peer.done, 5);
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ClientCodecTest, AStreamHoldsLittleAndMoreWhileItIsTaken) {
  ClientPeer peer;
  peer.consume = false;
  peer.Begin();
  ClientPeer::Exchange& exchange = peer.Request();
  (void)peer.Flush();
  const std::string piece(16 * 1024, 'x');
  peer.Receive(HeadersFrame(1, OkBlock(), false) + DataFrame(1, piece));
  EXPECT_EQ(peer.Said(), "") << "the first window is full";
  exchange.sender->Consume(piece.size());
  EXPECT_EQ(peer.Said(), "WINDOW_UPDATE 1 16384\nWINDOW_UPDATE 1 16384\n")
      << "what was taken, and as much again";
  peer.Receive(DataFrame(1, piece) + DataFrame(1, piece));
  exchange.sender->Consume(piece.size());
  exchange.sender->Consume(piece.size());
  const std::vector<ReadFrame> frames = peer.Flush();
  uint32_t more = 0;
  for (const ReadFrame& frame : frames) {
    more += frame.Number();
  }
  EXPECT_EQ(more, 48u * 1024) << "64 KiB by now, less what is not worth a frame yet";
}

TEST(H2ClientCodecTest, TheConnectionsEnd) {
  {
    ClientPeer peer;
    peer.Begin();
    peer.Request();
    (void)peer.Flush();
    peer.Request();
    peer.codec().OnEof();
    EXPECT_EQ(peer.exchanges[0]->reset.code, ErrorCode::kUpstreamReset);
    EXPECT_EQ(peer.exchanges[1]->reset.code, ErrorCode::kUpstreamUnprocessed);
    EXPECT_EQ(peer.closes, 1);
    EXPECT_EQ(peer.Said(), "");
  }
  ClientPeer peer;
  peer.Begin();
  peer.Request();
  (void)peer.Flush();
  peer.Receive(DataFrame(0, "x"));
  EXPECT_FALSE(peer.Said().empty());
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(peer.closes, 1);
  // An endpoint of another protocol.
  ClientPeer other;
  other.Request();
  (void)other.Flush();
  other.Receive("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  (void)other.Flush();
  EXPECT_EQ(other.latest().reset.code, ErrorCode::kUpstreamReset);
  EXPECT_EQ(other.closes, 1);
}

// More streams than are kept for reuse: who is told of the end may still ask its sender.
TEST(H2ClientCodecTest, ManyStreamsFailTogether) {
  constexpr uint32_t kStreams = 40;
  for (const bool reset : {false, true}) {
    ClientPeer peer;
    peer.Begin();
    for (uint32_t i = 0; i < kStreams; ++i) {
      peer.Request();
    }
    (void)peer.Flush();
    peer.Receive(HeadersFrame(1, OkBlock(), false));
    if (reset) {
      for (uint32_t i = 0; i < kStreams; ++i) {
        peer.Receive(ResetFrame(2 * i + 1, NGHTTP2_INTERNAL_ERROR));
      }
    } else {
      peer.codec().OnEof();
    }
    for (uint32_t i = 0; i < kStreams; ++i) {
      EXPECT_EQ(peer.exchanges[i]->reset.code, ErrorCode::kUpstreamReset);
      EXPECT_EQ(peer.exchanges[i]->started_at_reset, i == 0);
    }
    EXPECT_EQ(peer.closes, reset ? 0 : 1);
  }
}

// They make their frames in the same piece of memory.
TEST(H2ClientCodecTest, ConnectionsThatBeginTogether) {
  ClientPeer first;
  ClientPeer second;
  const std::string said = first.FlushBytes();
  EXPECT_TRUE(said.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_EQ(second.FlushBytes(), said);
}

TEST(H2ClientCodecTest, TheNextRequestMayStartAsOneEnds) {
  ClientPeer peer;
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1));
  peer.on_stream_done = [&] {
    if (peer.done < 50) {
      peer.Request();
    }
  };
  peer.Request();
  for (uint32_t stream = 1; stream < 100; stream += 2) {
    EXPECT_EQ(peer.Said(), "HEADERS " + std::to_string(stream) + " end\n");
    peer.Receive(HeadersFrame(stream, OkBlock(), false) + DataFrame(stream, "x", true));
  }
  EXPECT_EQ(peer.done, 50);
}

TEST(H2ClientCodecTest, WebSocket) {
  ClientPeer peer;
  EXPECT_FALSE(peer.codec().CanUpgrade());
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1));
  EXPECT_TRUE(peer.codec().CanUpgrade());
  peer.upgrade = "websocket";
  ClientPeer::Exchange& exchange = peer.Request(Method::kGet, false);
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1\n");
  EXPECT_NE(frames[0].payload.find(":method: CONNECT\n"), std::string::npos);
  EXPECT_NE(frames[0].payload.find(":protocol: websocket\n"), std::string::npos);
  peer.Receive(HeadersFrame(1, OkBlock(), false) + DataFrame(1, "down"));
  EXPECT_EQ(exchange.head->status, 101);
  EXPECT_EQ(exchange.body, "down");
  exchange.SendData("up", false);
  EXPECT_EQ(peer.Said(), "DATA 1 2\n");
  exchange.SendData({}, true);
  EXPECT_EQ(peer.Said(), "DATA 1 0 end\n");
  peer.Receive(DataFrame(1, "", true));
  EXPECT_TRUE(exchange.ended);
  EXPECT_EQ(peer.done, 1);
}

}  // namespace
}  // namespace gatehouse::http
