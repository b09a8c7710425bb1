// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/frame_guard.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "test/http/h2/frames.h"

namespace gatehouse::http {
namespace {

MonotonicTime now;  // What the guard's clock says.

class FrameGuardTest : public testing::Test {
 protected:
  FrameGuardTest() { EXPECT_EQ(guard_.Inspect(kPreface), kPreface.size()); }

  // The code that `bytes` bring about; -1 for none.
  int Code(std::string_view bytes) {
    guard_.Inspect(bytes);
    return guard_.fault() ? static_cast<int>(guard_.fault().code) : -1;
  }
  // How many frames `next` makes are let through, of at most `most`.
  int LetThrough(int most, const std::function<std::string(int)>& next) {
    for (int i = 0; i < most; ++i) {
      if (Code(next(i)) != -1) {
        EXPECT_EQ(guard_.fault().code, NGHTTP2_ENHANCE_YOUR_CALM) << guard_.fault().what;
        EXPECT_EQ(guard_.fault().fault, PeerFault::kAbuse);
        return i;
      }
    }
    return most;
  }

  Http2Limits limits_;
  FrameGuard guard_{FrameGuard::Side::kServer, limits_, [] { return now; }};
};

TEST_F(FrameGuardTest, OrdinaryFramesPassHoweverTheyAreCut) {
  const std::string bytes =
      SettingsFrame(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 20000) + SettingsAck() +
      HeadersFrame(1, "xyz", false) + DataFrame(1, "12345") +
      Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string("\2abcd\0\0", 7)) +
      WindowFrame(0, 9) + DataFrame(1, "", true) + HeadersFrame(3, "x");
  for (size_t cut = 1; cut < 30; ++cut) {
    FrameGuard guard(FrameGuard::Side::kServer, limits_);
    const std::string all = std::string(kPreface) + bytes;
    for (size_t at = 0; at < all.size(); at += cut) {
      const std::string piece = all.substr(at, cut);
      ASSERT_EQ(guard.Inspect(piece), piece.size());
    }
    EXPECT_FALSE(guard.fault());
    // And all of it was understood: the first stream has ended.
    guard.Inspect(DataFrame(1, "x"));
    EXPECT_EQ(guard.fault().code, NGHTTP2_STREAM_CLOSED) << cut;
  }
}

TEST_F(FrameGuardTest, WhatComesBeforeABadFrameIsLetThrough) {
  const std::string good = HeadersFrame(1, "x") + HeadersFrame(3, "x");
  EXPECT_EQ(guard_.Inspect(good + DataFrame(1, "late") + PingFrame()), good.size());
  EXPECT_TRUE(guard_.fault());
}

TEST_F(FrameGuardTest, AStreamThatItsSenderHasEndedIsClosed) {
  EXPECT_EQ(Code(HeadersFrame(1, "x") + HeadersFrame(3, "x", false) + HeadersFrame(5, "x", false)),
            -1);
  EXPECT_EQ(Code(DataFrame(3, "x") + ResetFrame(3) + ResetFrame(1) + WindowFrame(1, 5)), -1)
      << "windows and resets may still be on their way";
  EXPECT_EQ(Code(DataFrame(3, "x")), NGHTTP2_STREAM_CLOSED);
  EXPECT_EQ(guard_.fault().fault, PeerFault::kProtocol);
}

TEST_F(FrameGuardTest, HeadersBehindTheEndAreNoTrailers) {
  EXPECT_EQ(Code(HeadersFrame(1, "x", false) + DataFrame(1, "x") + HeadersFrame(1, "t", true)), -1);
  EXPECT_EQ(Code(HeadersFrame(1, "t", true)), NGHTTP2_STREAM_CLOSED);
}

TEST_F(FrameGuardTest, StreamsAreOpenedInOrder) {
  EXPECT_EQ(Code(HeadersFrame(1, "x") + HeadersFrame(9, "x")), -1);
  EXPECT_EQ(Code(HeadersFrame(5, "x")), NGHTTP2_PROTOCOL_ERROR);
}

// nghttp2 leaves these alone once priorities are not wanted.
TEST_F(FrameGuardTest, PrioritiesAreLookedAtAllTheSame) {
  const auto code = [&](uint32_t stream, const std::string& payload) {
    FrameGuard guard(FrameGuard::Side::kServer, limits_);
    guard.Inspect(kPreface);
    const std::string frame = Frame(NGHTTP2_PRIORITY, 0, stream, payload);
    for (const char c : frame) {
      guard.Inspect({&c, 1});
    }
    guard.Inspect(PingFrame());
    return static_cast<int>(guard.fault().code);
  };
  EXPECT_EQ(code(3, BigEndian(1, 4) + "x"), NGHTTP2_NO_ERROR);
  EXPECT_EQ(code(3, BigEndian(3, 4) + "x"), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(code(3, BigEndian(0x80000003, 4) + "x"), NGHTTP2_PROTOCOL_ERROR) << "exclusively";
  EXPECT_EQ(code(0, BigEndian(1, 4) + "x"), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(code(3, "1234"), NGHTTP2_FRAME_SIZE_ERROR);
}

TEST_F(FrameGuardTest, StreamsOfLongAgoAreNobodysFault) {
  EXPECT_EQ(Code(HeadersFrame(1, "x", false)), -1);
  for (uint32_t stream = 3; stream < 5000; stream += 2) {
    ASSERT_EQ(Code(HeadersFrame(stream, "x")), -1) << stream;
  }
  EXPECT_EQ(Code(DataFrame(1, "x") + HeadersFrame(1, "trailers")), -1);
  EXPECT_EQ(Code(DataFrame(4997, "x")), NGHTTP2_STREAM_CLOSED);
}

TEST_F(FrameGuardTest, FloodsEnd) {
  struct Flood {
    const char* name;
    int limit;
    std::function<std::string(int)> frame;
  };
  const Flood floods[] = {
      {"rapid reset", 200,
       [](int i) { return HeadersFrame(2 * i + 1, "x") + ResetFrame(2 * i + 1); }},
      {"ping", 200, [](int) { return PingFrame(); }},
      {"ping acknowledgements", 200,
       [](int) { return Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678"); }},
      {"settings", 20, [](int) { return SettingsFrame(); }},
      {"settings acknowledgements", 2000, [](int) { return SettingsAck(); }},
      {"empty data", 100, [](int) { return DataFrame(1, ""); }},
      {"padding alone", 100,
       [](int) {
         return Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, '\x20' + std::string(32, '\0'));
       }},
      {"empty headers", 100,
       [](int i) { return Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2 * i + 1); }},
      {"headers with a priority alone", 100,
       [](int i) {
         return Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_PRIORITY, 2 * i + 1, std::string(5, '\0'));
       }},
      {"continuations", 16,
       [](int) { return Frame(NGHTTP2_CONTINUATION, 0, 1, std::string(1000, 'x')); }},
      {"empty continuations", 16, [](int) { return Frame(NGHTTP2_CONTINUATION, 0, 1); }},
      {"priority", 2000, [](int) { return Frame(NGHTTP2_PRIORITY, 0, 1, std::string(5, '\0')); }},
      {"unknown types", 2000, [](int) { return Frame(0xee, 0, 0, "x"); }},
      {"goaway", 2000, [](int) { return Frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0')); }},
      {"windows", 20000, [](int) { return WindowFrame(0, 1); }},
  };
  for (const Flood& flood : floods) {
    FrameGuard guard(FrameGuard::Side::kServer, limits_, [] { return now; });
    guard.Inspect(kPreface);
    int passed = 0;
    while (passed < 100000 && !guard.fault()) {
      guard.Inspect(flood.frame(passed));
      ++passed;
    }
    EXPECT_EQ(passed - 1, flood.limit) << flood.name;
    EXPECT_EQ(guard.fault().code, NGHTTP2_ENHANCE_YOUR_CALM) << flood.name;
  }
}

TEST_F(FrameGuardTest, ManyHeaderBlocksMayHaveContinuations) {
  for (uint32_t stream = 1; stream < 200; stream += 2) {
    std::string block = Frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, stream, "x");
    for (int i = 0; i < 16; ++i) {
      block += Frame(NGHTTP2_CONTINUATION, i == 15 ? NGHTTP2_FLAG_END_HEADERS : 0, stream, "x");
    }
    ASSERT_EQ(Code(block), -1);
  }
}

TEST_F(FrameGuardTest, CountsStartAnewWithTheNextWindow) {
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(LetThrough(200, [](int) { return PingFrame(); }), 200);
    now += limits_.abuse_window + Duration(1);
  }
  EXPECT_EQ(LetThrough(500, [](int) { return PingFrame(); }), 200);
}

TEST_F(FrameGuardTest, ResetsThatThePeerProvokesAreItsOwn) {
  for (int i = 0; i < 1000; ++i) {
    guard_.OnResetSent(NGHTTP2_CANCEL);
    guard_.OnResetSent(NGHTTP2_NO_ERROR);
    guard_.OnResetSent(NGHTTP2_INTERNAL_ERROR);
  }
  EXPECT_FALSE(guard_.fault());
  for (int i = 0; i < 200; ++i) {
    guard_.OnResetSent(i % 2 == 0 ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_FLOW_CONTROL_ERROR);
  }
  EXPECT_FALSE(guard_.fault());
  guard_.OnResetSent(NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(guard_.fault().code, NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(FrameGuardTest, DataEarnsWindowUpdatesUnlessItIsTinyForWantOfWindow) {
  for (int i = 0; i < 10000; ++i) {
    guard_.OnDataSent(16384, true);
    guard_.OnDataSent(1, false);
  }
  EXPECT_EQ(LetThrough(100000, [](int) { return WindowFrame(1, 1); }), 60000);
  FrameGuard guard(FrameGuard::Side::kServer, limits_);
  guard.Inspect(kPreface);
  int dribbled = 0;
  while (!guard.fault() && dribbled < 100000) {
    guard.OnDataSent(1, true);
    guard.Inspect(WindowFrame(1, 1));
    ++dribbled;
  }
  EXPECT_EQ(dribbled, 20001);
}

TEST_F(FrameGuardTest, AServersStreamsMayEndInAnyOrder) {
  FrameGuard guard(FrameGuard::Side::kClient, limits_);
  guard.Inspect(SettingsFrame() + HeadersFrame(5, "x") + HeadersFrame(1, "x", false) +
                DataFrame(1, "y", true) + HeadersFrame(3, "z"));
  EXPECT_FALSE(guard.fault());
  guard.Inspect(HeadersFrame(5, "x"));
  EXPECT_EQ(guard.fault().code, NGHTTP2_STREAM_CLOSED);
}

}  // namespace
}  // namespace gatehouse::http
