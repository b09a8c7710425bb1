// SPDX-License-Identifier: Apache-2.0
// What concerns a connection as a whole: windows, room in the sink, its beginning and its end.
#include <gtest/gtest.h>

#include <string>

#include "test/http/h2/server_peer.h"

namespace gatehouse::http {
namespace {

constexpr std::chrono::seconds kSecond{1};

std::string PostBlock() {
  return Literal(":method", "POST") + Literal(":scheme", "http") + Literal(":authority", "a.test") +
         Literal(":path", "/t");
}

MonotonicTime At(int seconds) {
  return MonotonicTime{} + std::chrono::hours(1) + seconds * kSecond;
}

TEST(H2ServerConnectionTest, ContentWaitsForTheStreamsWindow) {
  ServerPeer peer;
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
  peer.Receive(HeadersFrame(1, GetBlock()));
  ServerPeer::Request& slow = peer.latest();
  slow.sender->SendHeaders(slow.NewHead(), false);
  slow.sender->SendData(std::string(30, 's'), false);
  EXPECT_EQ(peer.Said(), "HEADERS 1\n");
  EXPECT_EQ(slow.credits, 0);
  // Another stream is not held up by it.
  peer.Receive(HeadersFrame(3, GetBlock()) + WindowFrame(3, 100));
  peer.latest().Answer("quick");
  EXPECT_EQ(peer.Said(), "HEADERS 3\nDATA 3 5 end\n");
  peer.Receive(WindowFrame(1, 10));
  EXPECT_EQ(peer.Said(), "DATA 1 10\n");
  EXPECT_EQ(slow.credits, 0) << "some is still waiting";
  peer.Receive(WindowFrame(1, 100));
  EXPECT_EQ(peer.Said(), "DATA 1 20\n");
  EXPECT_EQ(slow.credits, 1);
  slow.sender->SendData("", true);
  EXPECT_EQ(peer.Said(), "DATA 1 0 end\n");
}

TEST(H2ServerConnectionTest, NothingIsWrittenWhileMuchIsPending) {
  ServerPeer peer;
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30));
  peer.Receive(WindowFrame(0, 1 << 30));
  peer.Receive(HeadersFrame(1, GetBlock()) + HeadersFrame(3, GetBlock()));
  peer.sink.stuck = true;
  for (const auto& request : peer.requests) {
    request->sender->SendHeaders(request->NewHead(), false);
    request->sender->SendData(std::string(1 << 20, 'x'), false);
  }
  peer.codec().OnFlush();
  EXPECT_GE(peer.sink.bytes().size(), 64u * 1024);
  EXPECT_LE(peer.sink.bytes().size(), 90u * 1024);
  EXPECT_EQ(peer.requests[0]->credits, 0);
  peer.codec().OnSinkDrained();
  EXPECT_LE(peer.sink.bytes().size(), 90u * 1024) << "nothing has left";
  size_t first = 0;
  size_t rounds = 0;
  FrameReader reader;
  size_t shares[2] = {0, 0};
  for (; peer.requests[0]->credits + peer.requests[1]->credits < 2 && rounds < 100; ++rounds) {
    for (const ReadFrame& frame : reader.Read(peer.sink.Take())) {
      if (frame.type == NGHTTP2_DATA) {
        shares[frame.stream / 2] += frame.payload.size();
      }
    }
    if (rounds == 10) {
      first = shares[0];
      EXPECT_NEAR(static_cast<double>(shares[0]), static_cast<double>(shares[1]), 40e3);
    }
    peer.codec().OnSinkDrained();
  }
  EXPECT_GT(first, 0u);
  EXPECT_EQ(peer.requests[0]->credits, 1);
  EXPECT_EQ(peer.requests[1]->credits, 1);
  EXPECT_LT(rounds, 40u);
}

// An owner that always has more when it is told that there is room.
TEST(H2ServerConnectionTest, CreditKeepsContentFlowing) {
  ServerPeer peer;
  peer.Begin(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20));
  peer.Receive(HeadersFrame(1, GetBlock()));
  int left = 3;
  peer.on_credit = [&](ServerPeer::Request& request) {
    request.sender->SendData(std::string(1000, 'x'), --left == 0);
  };
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  peer.latest().sender->SendData("x", false);
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 1\nDATA 1 1000\nDATA 1 1000\nDATA 1 1000 end\n");
}

TEST(H2ServerConnectionTest, WindowsOpenAsContentIsConsumed) {
  ServerPeer peer;
  peer.consume = false;
  peer.Begin();
  peer.Receive(HeadersFrame(1, PostBlock(), false));
  for (int i = 0; i < 4; ++i) {
    peer.Receive(DataFrame(1, std::string(16 * 1024, 'x')));
  }
  EXPECT_EQ(peer.latest().body.size(), 64u * 1024);
  EXPECT_EQ(peer.Said(), "");
  peer.latest().sender->Consume(10 * 1024);
  EXPECT_EQ(peer.Said(), "");
  peer.latest().sender->Consume(30 * 1024);
  EXPECT_EQ(peer.Said(), "WINDOW_UPDATE 1 40960\n");
  peer.latest().sender->Consume(1 << 20);  // More than came counts for what came.
  (void)peer.Flush();
  // A peer that ignores the window.
  for (int i = 0; i < 5; ++i) {
    peer.Receive(DataFrame(1, std::string(16 * 1024, 'x')));
  }
  EXPECT_EQ(peer.Said().substr(0, 15), "RST_STREAM 1 3\n");
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
}

TEST(H2ServerConnectionTest, WhatEndedStreamsHeldIsGivenBack) {
  ServerPeer peer;
  peer.consume = false;
  peer.Begin();
  std::string said;
  for (uint32_t stream = 1; stream < 80; stream += 2) {
    peer.Receive(HeadersFrame(stream, PostBlock(), false));
    for (int i = 0; i < 3; ++i) {
      peer.Receive(DataFrame(stream, std::string(16 * 1024, 'x')));
    }
    if (stream % 4 == 1) {
      peer.latest().sender->Reset(ErrorCode::kInternal);
      peer.latest().arena.Reset();
    } else {
      peer.Receive(ResetFrame(stream));
    }
    said += peer.Said();
  }
  EXPECT_EQ(peer.closes, 0) << "40 × 48 KiB is more than the connection's window";
  EXPECT_NE(said.find("WINDOW_UPDATE 0 "), std::string::npos);
  EXPECT_EQ(peer.fault, "");
}

TEST(H2ServerConnectionTest, NoPrefaceIsAProtocolError) {
  ServerPeer peer;
  peer.Receive("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  EXPECT_TRUE(peer.Said().ends_with("GOAWAY 0 1\n"));
  EXPECT_EQ(peer.closes, 1);
  EXPECT_FALSE(peer.abrupt);
  EXPECT_NE(peer.fault, "");
  EXPECT_FALSE(peer.abuse);
}

TEST(H2ServerConnectionTest, ABrokenConnectionEndsItsStreams) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.Receive(DataFrame(0, "on no stream"));
  EXPECT_EQ(peer.Said(), "GOAWAY 1 1\n");
  EXPECT_EQ(peer.requests[0]->reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(peer.closes, 1);
  EXPECT_NE(peer.fault, "");
  peer.Receive(HeadersFrame(3, GetBlock()));
  EXPECT_EQ(peer.Said(), "");
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ServerConnectionTest, AbuseIsTold) {
  CodecLimits limits;
  limits.http2.max_pings = 5;
  ServerPeer peer(limits);
  peer.Begin();
  for (int i = 0; i < 7; ++i) {
    peer.Receive(PingFrame());
  }
  EXPECT_TRUE(peer.Said().ends_with("GOAWAY 0 11\n"));
  EXPECT_TRUE(peer.abuse);
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ServerConnectionTest, Draining) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.codec().Drain();
  peer.codec().Drain();
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "PING\nGOAWAY 2147483647 0\n");
  // What was on its way is served.
  peer.Receive(HeadersFrame(3, GetBlock()));
  ASSERT_EQ(peer.requests.size(), 2u);
  peer.Receive(Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frames[0].payload));
  EXPECT_EQ(peer.Said(), "GOAWAY 3 0\n");
  peer.requests[0]->Answer("a");
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 1 end\n");
  EXPECT_EQ(peer.closes, 0);
  peer.Receive(HeadersFrame(5, GetBlock()));
  EXPECT_EQ(peer.requests.size(), 2u) << "too late";
  peer.requests[1]->Answer("b");
  EXPECT_EQ(peer.Said(), "HEADERS 3\nDATA 3 1 end\n");
  EXPECT_EQ(peer.closes, 1);
  EXPECT_FALSE(peer.abrupt);
}

TEST(H2ServerConnectionTest, ADrainDoesNotWaitForEver) {
  ServerPeer peer;
  peer.Begin();
  peer.codec().Drain();
  (void)peer.Flush();
  peer.codec().OnTick(At(1));
  EXPECT_EQ(peer.Said(), "");
  EXPECT_EQ(peer.closes, 0);
  peer.codec().OnTick(At(3));
  EXPECT_EQ(peer.Said(), "GOAWAY 0 0\n");
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ServerConnectionTest, TheClientsGoawayEndsItWithTheLastStream) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.Receive(Frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0')));
  (void)peer.Flush();
  EXPECT_EQ(peer.closes, 0);
  peer.latest().Answer("x");
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 1 end\n");
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ServerConnectionTest, WhatIsTooSlow) {
  {
    ServerPeer peer;
    EXPECT_FALSE(peer.codec().reading_head());
    EXPECT_FALSE(peer.codec().OnHeadTimeout()) << "nothing has come";
    peer.Receive(kPreface.substr(0, 10));
    EXPECT_TRUE(peer.codec().reading_head());
    EXPECT_TRUE(peer.codec().OnHeadTimeout());
    EXPECT_TRUE(peer.Said().ends_with("GOAWAY 0 4\n"));
    EXPECT_EQ(peer.closes, 1);
  }
  ServerPeer peer;
  peer.Begin();
  EXPECT_FALSE(peer.codec().reading_head());
  peer.Receive(Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, GetBlock()));
  EXPECT_TRUE(peer.codec().reading_head());
  EXPECT_EQ(peer.latest().head, nullptr);
  EXPECT_TRUE(peer.codec().OnHeadTimeout());
  EXPECT_EQ(peer.Said().substr(0, 9), "GOAWAY 1 ");
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(peer.closes, 1);
}

TEST(H2ServerConnectionTest, SilenceIsAsked) {
  CodecLimits limits;
  limits.http2.ping_interval = 10 * kSecond;
  limits.http2.ping_timeout = 5 * kSecond;
  ServerPeer peer(limits);
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.codec().OnTick(At(0));
  peer.codec().OnTick(At(9));
  EXPECT_EQ(peer.Said(), "");
  peer.codec().OnTick(At(10));
  std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "PING\n");
  peer.codec().OnTick(At(14));
  peer.Receive(Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, frames[0].payload));
  peer.codec().OnTick(At(16));
  EXPECT_EQ(peer.closes, 0);
  peer.codec().OnTick(At(26));
  EXPECT_EQ(peer.Said(), "PING\n");
  peer.codec().OnTick(At(31));
  EXPECT_EQ(peer.closes, 1);
  EXPECT_TRUE(peer.abrupt);
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
}

TEST(H2ServerConnectionTest, OwnersMayDoAnythingInCallbacks) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()) + HeadersFrame(3, PostBlock(), false));
  // The end of one stream is that of another.
  peer.on_reset = [&](ServerPeer::Request&) {
    if (auto* const sender = std::exchange(peer.requests[1]->sender, nullptr)) {
      sender->Reset(ErrorCode::kInternal);
    }
  };
  peer.Receive(ResetFrame(1) + DataFrame(3, "x", true));
  EXPECT_EQ(peer.Said(), "RST_STREAM 3 2\n");
  EXPECT_FALSE(peer.codec().busy());
  // The transport is lost while a frame is delivered: nothing more is.
  peer.on_reset = nullptr;
  peer.on_data = [&](ServerPeer::Request&) {
    peer.codec().OnTransportLost({ErrorCode::kClientGone, ErrorSource::kDownstream, "closed"});
  };
  peer.Receive(HeadersFrame(5, PostBlock(), false));
  ServerPeer::Request& last = peer.latest();
  peer.Receive(DataFrame(5, "a") + DataFrame(5, "b") + HeadersFrame(7, GetBlock()));
  EXPECT_EQ(last.body, "a");
  EXPECT_EQ(last.reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(peer.requests.size(), 3u);
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ServerConnectionTest, TheTransportsEnd) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.latest().Answer("never");
  peer.codec().OnEof();
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(peer.closes, 1);
  EXPECT_EQ(peer.Said(), "");
}

}  // namespace
}  // namespace gatehouse::http
