// SPDX-License-Identifier: Apache-2.0
// Both codecs against each other.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "test/http/h2/client_peer.h"
#include "test/http/h2/server_peer.h"

namespace gatehouse::http {
namespace {

struct Pair {
  // Until neither has anything to say; in pieces of at most `piece` bytes.
  void Talk(size_t piece = 1 << 20) {
    for (int turns = 0; turns < 10000; ++turns) {
      const std::string there = client.FlushBytes();
      for (size_t at = 0; at < there.size(); at += piece) {
        server.Receive(std::string_view(there).substr(at, piece));
      }
      const std::string back = server.FlushBytes();
      for (size_t at = 0; at < back.size(); at += piece) {
        client.Receive(std::string_view(back).substr(at, piece));
      }
      if (there.empty() && back.empty()) {
        return;
      }
    }
    FAIL() << "they never come to an end";
  }

  ServerPeer server;
  ClientPeer client;
};

TEST(H2CodecsTest, AnswersToManyRequests) {
  for (const size_t piece : {1, 7, 1 << 20}) {
    Pair pair;
    pair.server.on_headers = [](ServerPeer::Request& request) { request.Answer("hello"); };
    for (int i = 0; i < 50; ++i) {
      pair.client.Request();
    }
    pair.Talk(piece);
    EXPECT_EQ(pair.client.done, 50);
    for (const auto& exchange : pair.client.exchanges) {
      EXPECT_EQ(exchange->body, "hello");
      EXPECT_TRUE(exchange->ended);
    }
    EXPECT_FALSE(pair.server.codec().busy());
  }
}

// What goes up comes down again, through all windows.
TEST(H2CodecsTest, ContentBothWays) {
  std::mt19937 random(7);
  Pair pair;
  pair.server.on_headers = [](ServerPeer::Request& request) {
    request.sender->SendHeaders(request.NewHead(), false);
  };
  pair.server.on_data = [](ServerPeer::Request& request) {
    request.sender->SendData(std::exchange(request.body, {}), request.ended);
  };
  std::vector<std::string> sent(20);
  for (std::string& content : sent) {
    ClientPeer::Exchange& exchange = pair.client.Request(Method::kPost, false);
    content.resize(random() % 400'000);
    for (char& c : content) {
      c = static_cast<char>(random());
    }
    exchange.SendData(content, true);
  }
  pair.Talk();
  EXPECT_EQ(pair.client.done, 20);
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(pair.client.exchanges[i]->body == sent[i]) << i;
    EXPECT_TRUE(pair.client.exchanges[i]->ended);
  }
  EXPECT_EQ(pair.client.closes + pair.server.closes, 0);
}

// Streams that end in all ways, at all times: nothing is left, and the
// connection is as before.
TEST(H2CodecsTest, StreamsThatBreakOff) {
  std::mt19937 random(11);
  CodecLimits limits;
  limits.http2.max_resets = 1'000'000;
  Pair pair{ServerPeer(limits), ClientPeer(limits)};
  pair.Talk();
  for (int round = 0; round < 300; ++round) {
    ClientPeer::Exchange& exchange = pair.client.Request(Method::kPost, random() % 2 == 0);
    if (!exchange.whole) {
      exchange.SendData(std::string(random() % 100'000, 'u'), random() % 2 == 0);
    }
    if (random() % 3 != 0) {
      pair.Talk();
    }
    ServerPeer::Request* const request =
        pair.server.requests.empty() ? nullptr : &pair.server.latest();
    const bool alive = request != nullptr && request->sender != nullptr;
    switch (random() % 4) {
      case 0:
        if (alive) {
          request->Answer(std::string(random() % 100'000, 'd'));
        }
        break;
      case 1:
        if (alive) {
          std::exchange(request->sender, nullptr)->Reset(ErrorCode::kInternal);
          request->arena.Reset();
        }
        break;
      case 2:
        if (alive) {
          request->Answer(std::string(random() % 100'000, 'd'));
        }
        [[fallthrough]];
      default:
        break;
    }
    if (random() % 2 == 0) {
      pair.Talk();
    }
    if (exchange.sender != nullptr) {
      std::exchange(exchange.sender, nullptr)->Reset(ErrorCode::kClientGone);
      exchange.arena.Reset();
    }
    pair.Talk();
    ASSERT_FALSE(pair.server.codec().busy()) << round;
    ASSERT_EQ(pair.client.done, round + 1);
    ASSERT_EQ(pair.client.closes + pair.server.closes, 0) << round << ' ' << pair.server.fault;
  }
  pair.server.on_headers = [](ServerPeer::Request& request) { request.Answer("well"); };
  pair.client.Request();
  pair.Talk();
  EXPECT_EQ(pair.client.latest().body, "well");
}

// Header blocks of several frames: HEADERS and CONTINUATION.
TEST(H2CodecsTest, LargeHeads) {
  Pair pair;
  pair.server.on_headers = [](ServerPeer::Request& request) {
    ResponseHead& head = request.NewHead();
    for (int i = 0; i < 25; ++i) {
      const std::string name = "x-" + std::to_string(i);
      const std::string value(2000,
                              static_cast<char>('a' + (i + request.peer.requests.size()) % 26));
      head.headers.Add(request.arena.Copy(name), request.arena.Copy(value));
    }
    request.sender->SendHeaders(head, true);
  };
  for (int i = 0; i < 3; ++i) {
    pair.client.Request();
  }
  pair.Talk();
  for (size_t n = 0; n < 3; ++n) {
    ASSERT_NE(pair.client.exchanges[n]->head, nullptr) << pair.client.exchanges[n]->reset.message;
    const Headers& headers = pair.client.exchanges[n]->head->headers;
    for (size_t i = 0; i < 25; ++i) {
      EXPECT_EQ(headers.Find("x-" + std::to_string(i))->value,
                std::string(2000, static_cast<char>('a' + (i + n + 1) % 26)));
    }
  }
  EXPECT_EQ(pair.client.done, 3);
}

TEST(H2CodecsTest, ADrainLosesNothing) {
  Pair pair;
  pair.client.Request();
  pair.Talk();
  pair.server.codec().Drain();
  pair.Talk();
  EXPECT_FALSE(pair.client.codec().CanStart());
  EXPECT_EQ(pair.client.closes + pair.server.closes, 0);
  pair.server.latest().Answer("last");
  pair.Talk();
  EXPECT_EQ(pair.client.latest().body, "last");
  EXPECT_EQ(pair.client.closes, 1);
  EXPECT_EQ(pair.server.closes, 1);
}

}  // namespace
}  // namespace gatehouse::http
