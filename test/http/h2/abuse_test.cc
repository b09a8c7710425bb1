// SPDX-License-Identifier: Apache-2.0
// What costs a client little and a server much (RFC 9113 section 10.5): each ends in
// ENHANCE_YOUR_CALM or is swallowed cheaply, and none makes memory grow.
#include <gtest/gtest.h>
#include <malloc.h>

#include <functional>
#include <string>

#include "test/http/h2/raw_server.h"

namespace gatehouse::http {
namespace {

constexpr size_t kMost = 1024 * 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t Allocated() { return 0; }
#else
size_t Allocated() { return mallinfo2().uordblks; }
#endif

// Headers in a frame that does not end its block.
std::string OpenHeaders(uint32_t stream, std::string_view block) {
  return Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, stream, block);
}

class AbuseTest : public testing::Test {
 protected:
  // Sends what `next` makes, at most `most` times; how often that went well.
  int Flood(RawServer& server, int most, const std::function<std::string(int)>& next) {
    const size_t before = Allocated();
    size_t peak = before;
    int sent = 0;
    while (sent < most && server.Send(next(sent))) {
      ++sent;
      peak = std::max(peak, Allocated());
    }
    EXPECT_LT(peak - before, kMost) << "bytes of memory";
    return sent;
  }
  void ExpectCalm(const RawServer& server) {
    EXPECT_EQ(server.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_EQ(server.faults.size(), 1u);
  }
};

TEST_F(AbuseTest, OrdinaryRequestsGoOnForEver) {
  RawServer server;
  EXPECT_EQ(Flood(server, 10'000,
                  [](int i) { return HeadersFrame(2 * i + 1, GetBlock()) + WindowFrame(0, 12); }),
            10'000);
  EXPECT_EQ(server.requests.size(), 10'000u);
  EXPECT_EQ(server.goaway, -1);
}

// CVE-2023-44487.
TEST_F(AbuseTest, RapidReset) {
  RawServer server;
  const int sent = Flood(server, 10'000, [](int i) {
    return HeadersFrame(2 * i + 1, GetBlock(), false) + ResetFrame(2 * i + 1);
  });
  EXPECT_LE(sent, 200);
  ExpectCalm(server);
}

// CVE-2025-8671: the client does what makes the server reset its streams.
TEST_F(AbuseTest, ResetsThatAreProvoked) {
  const std::function<std::string(uint32_t)> provocations[] = {
      [](uint32_t id) { return HeadersFrame(id, GetBlock(), false) + WindowFrame(id, 0x7fffffff); },
      [](uint32_t id) { return HeadersFrame(id, GetBlock(Literal("X-Upper", "1"))); },
      [](uint32_t id) {
        return HeadersFrame(id, GetBlock(Literal("content-length", "1")), false) +
               DataFrame(id, "too long");
      },
  };
  for (const auto& provoke : provocations) {
    RawServer server;
    EXPECT_LE(Flood(server, 10'000, [&](int i) { return provoke(2 * i + 1); }), 201);
    ExpectCalm(server);
  }
}

TEST_F(AbuseTest, ContinuationsWithoutEnd) {
  for (const size_t size : {size_t{16'000}, size_t{1}, size_t{0}}) {
    RawServer server;
    server.Send(OpenHeaders(1, GetBlock()));
    const std::string field = Literal("x-a", std::string(size, 'a'));
    EXPECT_LE(Flood(server, 10'000,
                    [&](int) { return Frame(NGHTTP2_CONTINUATION, 0, 1, size == 0 ? "" : field); }),
              16);
    ExpectCalm(server);
  }
}

TEST_F(AbuseTest, AHeaderBlockOfAMegabyte) {
  RawServer server;
  server.Send(OpenHeaders(1, GetBlock()));
  const std::string field = Literal("x-a", std::string(16'000, 'a'));
  Flood(server, 64, [&](int) { return Frame(NGHTTP2_CONTINUATION, 0, 1, field); });
  ExpectCalm(server);
}

// Four kilobytes into the table, and then one byte for each time they are wanted.
TEST_F(AbuseTest, AnHpackBomb) {
  RawServer server;
  const std::string name = "x-bomb";
  const std::string indexed = "\x40" + Literal(name, std::string(4000, 'a')).substr(1);
  EXPECT_LE(Flood(server, 100,
                  [&](int i) {
                    return HeadersFrame(2 * i + 1, GetBlock(indexed + std::string(12'000, '\xbe')));
                  }),
            0);
  ExpectCalm(server);
}

TEST_F(AbuseTest, ManyCrumbsOfCookies) {
  RawServer server;
  std::string crumbs;
  for (int i = 0; i < 1000; ++i) {
    crumbs += Literal("cookie", "a");
  }
  server.Send(HeadersFrame(1, GetBlock(crumbs)));
  EXPECT_EQ(server.refusals.size(), 1u);
  EXPECT_TRUE(server.Send(HeadersFrame(3, GetBlock())));
  EXPECT_EQ(server.requests.size(), 1u);
}

TEST_F(AbuseTest, FramesThatDoNothing) {
  struct Kind {
    const char* name;
    int most;
    std::string frame;
  };
  const Kind kinds[] = {
      {"PING", 200, PingFrame()},
      {"SETTINGS", 20, SettingsFrame()},
      {"SETTINGS that changes windows", 20, SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1)},
      {"DATA without content", 100, DataFrame(1, "")},
      {"DATA of padding", 100,
       Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, '\x20' + std::string(32, '\0'))},
      {"PRIORITY", 2000, Frame(NGHTTP2_PRIORITY, 0, 1, BigEndian(3, 4) + "x")},
      {"an unknown type", 2000, Frame(0xbb, 0, 0, "x")},
      {"WINDOW_UPDATE", 20'000, WindowFrame(0, 1)},
  };
  for (const Kind& kind : kinds) {
    RawServer server;
    server.Send(HeadersFrame(1, GetBlock(), false));
    EXPECT_LE(Flood(server, 100'000, [&](int) { return kind.frame; }), kind.most) << kind.name;
    ExpectCalm(server);
  }
}

TEST_F(AbuseTest, MoreStreamsThanAreAllowed) {
  RawServer server;
  Flood(server, 2'000, [](int i) { return HeadersFrame(2 * i + 1, GetBlock(), false); });
  EXPECT_LE(server.requests.size(), 128u);
  ExpectCalm(server);
}

TEST_F(AbuseTest, AWindowOfOneOctet) {
  RawServer server(1 << 20);
  server.Send(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1) + HeadersFrame(1, GetBlock()));
  Flood(server, 100'000, [](int) { return WindowFrame(1, 1); });
  ExpectCalm(server);
}

TEST_F(AbuseTest, NoWindowAtAll) {
  RawServer server(1 << 20);
  server.Send(SettingsFrame(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0));
  const size_t before = Allocated();
  for (uint32_t i = 0; i < 80; ++i) {
    server.Send(HeadersFrame(2 * i + 1, GetBlock()));
  }
  EXPECT_EQ(server.requests.size(), 80u);
  EXPECT_EQ(server.frames_sent[NGHTTP2_DATA], 0);
  // Each stream holds the piece that it was given.
  EXPECT_LT(Allocated() - before, 80u * 32 * 1024);
}

// Who asks and does not read what is answered is not asked any further.
TEST_F(AbuseTest, AnswersThatNobodyReads) {
  RawServer server;
  server.Stall();
  for (int i = 0; i < 10'000 && server.wants_input(); ++i) {
    if (!server.Send(i % 2 == 0 ? PingFrame() : HeadersFrame(i, GetBlock()))) {
      break;
    }
  }
  EXPECT_LT(server.stalled(), kMost);
}

}  // namespace
}  // namespace gatehouse::http
