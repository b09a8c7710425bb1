// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "test/http/h2/server_peer.h"

namespace gatehouse::http {
namespace {

std::string PostBlock(std::string_view more = {}) {
  return Literal(":method", "POST") + Literal(":scheme", "http") + Literal(":authority", "a.test") +
         Literal(":path", "/t") + std::string(more);
}

TEST(H2ServerCodecTest, SaysWhatItAllows) {
  CodecLimits limits;
  limits.websocket = true;
  ServerPeer peer(limits);
  const std::vector<ReadFrame> frames = peer.Flush();
  ASSERT_EQ(Summary(frames), "SETTINGS\nWINDOW_UPDATE 0 983041\n");
  std::string settings;
  for (size_t at = 0; at < frames[0].payload.size(); at += 6) {
    settings += std::to_string(frames[0].Number(at) >> 16) + "=" +
                std::to_string(frames[0].Number(at + 2)) + " ";
  }
  EXPECT_EQ(settings, "3=128 4=65536 6=65536 9=1 8=1 ");
}

TEST(H2ServerCodecTest, AnswersLeaveInOnePiece) {
  for (const bool byte_by_byte : {false, true}) {
    ServerPeer peer;
    peer.on_headers = [](ServerPeer::Request& request) { request.Answer("hello"); };
    const std::string input = std::string(kPreface) + SettingsFrame() +
                              HeadersFrame(1, GetBlock()) + HeadersFrame(3, GetBlock());
    byte_by_byte ? peer.ReceiveByteByByte(input) : peer.Receive(input);
    EXPECT_EQ(peer.sink.bytes(), "") << "nothing leaves before the turn ends";
    EXPECT_FALSE(peer.requests[0]->done);
    const std::vector<ReadFrame> frames = peer.Flush();
    EXPECT_EQ(Summary(frames).substr(Summary(frames).find("HEADERS")),
              "HEADERS 1\nHEADERS 3\nDATA 1 5 end\nDATA 3 5 end\n");
    EXPECT_TRUE(peer.requests[0]->done && peer.requests[1]->done);
    EXPECT_EQ(peer.requests.size(), 2u);
    EXPECT_FALSE(peer.codec().busy());
  }
}

TEST(H2ServerCodecTest, TheHead) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock(Literal("x-a", "1"))));
  const RequestHead& head = *peer.latest().head;
  EXPECT_EQ(head.method_name, "GET");
  EXPECT_EQ(head.target, "/t");
  EXPECT_EQ(head.host, "a.test");
  EXPECT_EQ(head.version, Version::kHttp2);
  EXPECT_EQ(head.headers.Find("x-a")->value, "1");
  EXPECT_TRUE(peer.latest().ended);
  EXPECT_TRUE(peer.codec().busy());
  EXPECT_FALSE(peer.codec().reading_head());
}

TEST(H2ServerCodecTest, EmptyAnswersEndWithTheirHead) {
  ServerPeer peer;
  peer.Begin();
  for (const uint16_t status : {200, 204, 304}) {
    const auto stream = static_cast<uint32_t>(peer.requests.size() * 2 + 1);
    peer.Receive(HeadersFrame(stream, GetBlock()));
    peer.latest().Answer("", status);
    const std::vector<ReadFrame> frames = peer.Flush();
    EXPECT_EQ(Summary(frames), "HEADERS " + std::to_string(stream) + " end\n");
    EXPECT_TRUE(frames[0].payload.starts_with(":status: " + std::to_string(status) + "\n"));
    EXPECT_TRUE(peer.latest().done);
  }
}

TEST(H2ServerCodecTest, ContentThatEndsLaterEndsWithAnEmptyFrame) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  EXPECT_EQ(peer.Said(), "HEADERS 1\n");
  peer.latest().sender->SendData("abc", false);
  peer.latest().sender->SendData("de", false);
  EXPECT_EQ(peer.Said(), "DATA 1 5\n");
  EXPECT_EQ(peer.latest().credits, 1);
  peer.latest().sender->SendData({}, true);
  EXPECT_EQ(peer.Said(), "DATA 1 0 end\n");
  EXPECT_TRUE(peer.latest().done);
}

TEST(H2ServerCodecTest, ContentOfRequests) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, PostBlock(Literal("content-length", "5")), false));
  EXPECT_EQ(peer.latest().head->framing, Framing::kLength);
  EXPECT_FALSE(peer.latest().ended);
  peer.Receive(DataFrame(1, "ab"));
  peer.Receive(DataFrame(1, "cde", true));
  EXPECT_EQ(peer.latest().body, "abcde");
  EXPECT_EQ(peer.latest().pieces, 2) << "the end rides on the last piece";
  EXPECT_TRUE(peer.latest().ended);
  // Padded, and byte by byte: the same.
  peer.Receive(HeadersFrame(3, PostBlock(), false));
  peer.ReceiveByteByByte(Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED | NGHTTP2_FLAG_END_STREAM, 3,
                               std::string("\2abc") + std::string(2, '\0')));
  EXPECT_EQ(peer.latest().body, "abc");
  EXPECT_TRUE(peer.latest().ended);
  EXPECT_EQ(peer.latest().head->framing, Framing::kChunked);
}

TEST(H2ServerCodecTest, TrailersBothWays) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, PostBlock(), false) + DataFrame(1, "x") +
               HeadersFrame(1, Literal("x-sum", "7")));
  ASSERT_NE(peer.latest().trailers, nullptr);
  EXPECT_EQ(peer.latest().trailers->Find("x-sum")->value, "7");
  Headers trailers(peer.latest().arena);
  trailers.Add("X-Out", "8");
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  peer.latest().sender->SendData("ok", false);
  peer.latest().sender->SendTrailers(trailers);
  std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1\nDATA 1 2\nHEADERS 1 end\n");
  EXPECT_EQ(frames[2].payload, "x-out: 8\n");
  EXPECT_TRUE(peer.latest().done);
  // Without content before them.
  peer.Receive(HeadersFrame(3, GetBlock()));
  Headers more(peer.latest().arena);
  more.Add("x-out", "9");
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  (void)peer.Flush();
  peer.latest().sender->SendTrailers(more);
  frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 3 end\n");
}

TEST(H2ServerCodecTest, InformationalAnswers) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.latest().sender->SendInformational(peer.latest().NewHead(103));
  peer.latest().sender->SendInformational(peer.latest().NewHead(101));  // Not ours to give.
  peer.latest().Answer("x");
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1\nHEADERS 1\nDATA 1 1 end\n");
  EXPECT_EQ(frames[0].payload, ":status: 103\n");
}

TEST(H2ServerCodecTest, AnAnswerCanBeTakenBackUntilTheTurnEnds) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()));
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  peer.latest().sender->SendData("good so far", false);
  EXPECT_TRUE(peer.latest().sender->TakeBack());
  EXPECT_FALSE(peer.latest().sender->TakeBack());
  EXPECT_EQ(peer.Said(), "") << "there is nothing left of it";
  peer.latest().sender->SendHeaders(peer.latest().NewHead(502), false);
  std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1\n");
  EXPECT_TRUE(frames[0].payload.starts_with(":status: 502\n"));
  EXPECT_FALSE(peer.latest().sender->TakeBack());
}

TEST(H2ServerCodecTest, AnAnswerBeforeTheRequestIsWhole) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, PostBlock(), false) + DataFrame(1, "x"));
  peer.latest().Answer("no");
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 2 end\nRST_STREAM 1 0\n");
  EXPECT_TRUE(peer.latest().done);
  peer.Receive(DataFrame(1, "what was on its way"));
  EXPECT_EQ(peer.Said(), "");
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ServerCodecTest, MalformedRequestsAreAnsweredAndReset) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock(Literal("connection", "close"))));
  EXPECT_EQ(peer.latest().refused.code, ErrorCode::kMalformedRequest);
  peer.latest().Answer("bad", 400);
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 3\nRST_STREAM 1 1\n");
  EXPECT_TRUE(peer.latest().done);
  peer.Receive(HeadersFrame(3, GetBlock(Literal("connection", "close"))));
  peer.latest().Answer("", 400);
  EXPECT_EQ(peer.Said(), "HEADERS 3\nRST_STREAM 3 1\n");
  // One that is only too large is well-formed.
  peer.Receive(HeadersFrame(5, Literal(":method", "CONNECT") + Literal(":authority", "a.test:1")));
  EXPECT_EQ(peer.latest().refused.code, ErrorCode::kMethodNotSupported);
  peer.latest().Answer("no", 501);
  EXPECT_EQ(peer.Said(), "HEADERS 5\nDATA 5 2 end\n");
  EXPECT_EQ(peer.closes, 0);
}

TEST(H2ServerCodecTest, ContentThatDoesNotKeepItsWord) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, PostBlock(Literal("content-length", "2")), false));
  peer.Receive(DataFrame(1, "abc"));
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kMalformedRequest);
  peer.Receive(DataFrame(1, "def", true));
  EXPECT_EQ(peer.latest().pieces, 0);
  peer.latest().Answer("bad", 400);
  EXPECT_EQ(peer.Said(), "HEADERS 1\nDATA 1 3\nRST_STREAM 1 1\n");
  EXPECT_TRUE(peer.latest().done);
  // With the answer under way there is nothing to say but that.
  peer.Receive(HeadersFrame(3, PostBlock(Literal("content-length", "2")), false));
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  (void)peer.Flush();
  peer.Receive(DataFrame(3, "a", true));
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kMalformedRequest);
  EXPECT_EQ(peer.Said(), "RST_STREAM 3 1\n");
  EXPECT_FALSE(peer.codec().busy());
}

TEST(H2ServerCodecTest, ResetsBothWays) {
  ServerPeer peer;
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()) + ResetFrame(1));
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_FALSE(peer.codec().busy());
  EXPECT_EQ(peer.Said(), "");
  peer.Receive(HeadersFrame(3, GetBlock()));
  peer.latest().Answer("waits for the turn's end");
  peer.Receive(ResetFrame(3));
  EXPECT_EQ(peer.latest().reset.code, ErrorCode::kClientGone);
  EXPECT_EQ(peer.Said(), "");
  peer.Receive(HeadersFrame(5, GetBlock()));
  peer.latest().sender->SendHeaders(peer.latest().NewHead(), false);
  (void)peer.Flush();
  peer.latest().sender->Reset(ErrorCode::kUpstreamReset);
  peer.latest().arena.Reset();
  EXPECT_EQ(peer.Said(), "RST_STREAM 5 2\n");
  EXPECT_FALSE(peer.latest().done);
  // Before anything of the answer has left: no HEADERS.
  peer.Receive(HeadersFrame(7, GetBlock()));
  peer.latest().Answer("never");
  peer.latest().sender->Reset(ErrorCode::kClientGone);
  peer.latest().arena.Reset();
  EXPECT_EQ(peer.Said(), "RST_STREAM 7 8\n");
}

TEST(H2ServerCodecTest, StreamsBeyondTheLimitAreRefused) {
  CodecLimits limits;
  limits.http2.max_streams = 2;
  ServerPeer peer(limits);
  peer.Begin();
  peer.Receive(HeadersFrame(1, GetBlock()) + HeadersFrame(3, GetBlock()) +
               HeadersFrame(5, GetBlock(Literal("x-a", "1"))));
  EXPECT_EQ(peer.requests.size(), 2u);
  EXPECT_EQ(peer.Said(), "RST_STREAM 5 7\n");
  peer.requests[0]->Answer("x");
  (void)peer.Flush();
  peer.Receive(HeadersFrame(7, GetBlock()));
  EXPECT_EQ(peer.requests.size(), 3u);
}

TEST(H2ServerCodecTest, WebSocketIsATunnel) {
  CodecLimits limits;
  limits.websocket = true;
  ServerPeer peer(limits);
  peer.Begin();
  peer.Receive(HeadersFrame(1,
                            Literal(":method", "CONNECT") + Literal(":protocol", "websocket") +
                                Literal(":scheme", "http") + Literal(":authority", "a.test") +
                                Literal(":path", "/chat") + Literal("sec-websocket-version", "13"),
                            false));
  ASSERT_NE(peer.latest().head, nullptr);
  EXPECT_EQ(peer.latest().head->upgrade, "websocket") << peer.latest().refused.message;
  EXPECT_EQ(peer.latest().head->method, Method::kGet);
  peer.latest().sender->SendHeaders(peer.latest().NewHead(101, Framing::kNone), false);
  peer.Receive(DataFrame(1, "up"));
  peer.latest().sender->SendData("down", false);
  const std::vector<ReadFrame> frames = peer.Flush();
  EXPECT_EQ(Summary(frames), "HEADERS 1\nDATA 1 4\n");
  EXPECT_TRUE(frames[0].payload.starts_with(":status: 200\n"));
  EXPECT_EQ(peer.latest().body, "up");
  peer.Receive(DataFrame(1, "", true));
  EXPECT_TRUE(peer.latest().ended);
  peer.latest().sender->SendData({}, true);
  EXPECT_EQ(peer.Said(), "DATA 1 0 end\n");
  EXPECT_TRUE(peer.latest().done);
}

}  // namespace
}  // namespace gatehouse::http
