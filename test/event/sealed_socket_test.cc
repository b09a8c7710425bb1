// SPDX-License-Identifier: Apache-2.0
// A Socket whose bytes go through a layer: one that is simple enough to be read on the wire.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "source/event/socket.h"
#include "source/event/socket_layer.h"
#include "test/event/socket_pair.h"

namespace gatehouse::event {
namespace {

using ReadState = Socket::ReadState;

// On the wire: "H" from the peer and "S" in answer, then pieces of a length byte and so many bytes;
// '0' ends, '!' breaks the rules. Says "." when nothing follows.
class PlainLayer final : public SocketLayer {
 public:
  bool established() const override { return established_; }
  Opened Open(std::string_view wire, char* into, size_t size, Buffer& out) override {
    held_.append(wire);
    if (!established_) {
      if (held_.empty()) {
        return {0, State::kHungry};
      }
      held_.erase(0, 1);
      established_ = true;
      out.Append("S");
      return {0, State::kMore};
    }
    Opened opened;
    for (;;) {
      const size_t taken = std::min(size - opened.bytes, plain_.size());
      plain_.copy(into + opened.bytes, taken);
      plain_.erase(0, taken);
      opened.bytes += taken;
      if (!plain_.empty() || (opened.bytes == size && !held_.empty())) {
        opened.state = State::kMore;
        return opened;
      }
      if (held_.empty()) {
        return opened;
      }
      if (held_[0] == '0' || held_[0] == '!') {
        opened.state = held_[0] == '0' ? State::kEnd : State::kFailed;
        failure_ = held_[0] == '0' ? "" : "a rule was broken";
        out.Append(held_[0] == '0' ? "" : "alert");
        return opened;
      }
      const auto length = static_cast<size_t>(held_[0]);
      if (held_.size() < 1 + length) {
        return opened;
      }
      plain_ = held_.substr(1, length);
      held_.erase(0, 1 + length);
    }
  }
  bool Seal(std::string_view plain, Buffer& out) override {
    while (!plain.empty()) {
      const std::string_view piece = plain.substr(0, kMost);
      out.Append(std::string(1, static_cast<char>(piece.size())));
      out.Append(piece);
      plain.remove_prefix(piece.size());
    }
    return true;
  }
  void Finish(Buffer& out) override { out.Append("."); }
  const std::string& failure() const override { return failure_; }

 private:
  static constexpr size_t kMost = 30;  // Below '!' and '0'.
  std::string held_;
  std::string plain_;
  std::string failure_;
  bool established_ = false;
};

std::string Piece(const std::string& text) { return static_cast<char>(text.size()) + text; }

struct SealedSocket : SocketTest {
  // What one event brings, read to its end; it ends the wait.
  void Expect(std::string_view wire, ReadState state) {
    ReadState seen = ReadState::kMore;
    end.on_event = [&] {
      seen = end.ReadAll(8);
      wait.Done();
    };
    PeerSends(wire);
    EXPECT_TRUE(wait.Run());
    EXPECT_EQ(seen, state);
  }
  // Waits for all of `size` bytes.
  std::string PeerReceived(size_t size) const {
    const timeval limit{20, 0};
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    std::string out(size, '\0');
    size_t got = 0;
    for (ssize_t n = 1; n > 0 && got < size; got += n > 0 ? static_cast<size_t>(n) : 0) {
      n = recv(peer, out.data() + got, size - got, 0);
    }
    out.resize(got);
    return out;
  }
  void Shake() {
    end.socket.AddLayer(std::make_unique<PlainLayer>(), {});
    EXPECT_TRUE(end.socket.shaking_hands());
    Expect("H", ReadState::kDrained);
    EXPECT_FALSE(end.socket.shaking_hands());
  }
};

TEST_F(SealedSocket, TheHandshakeYieldsNothing) {
  Shake();
  EXPECT_EQ(end.input, "");
  EXPECT_EQ(PeerReceived(1), "S");
}

TEST_F(SealedSocket, WhatWasReadAlreadyBelongsToTheLayer) {
  end.socket.AddLayer(std::make_unique<PlainLayer>(), "H" + Piece("early"));
  EXPECT_FALSE(end.socket.shaking_hands());
  EXPECT_TRUE(end.socket.readable());
  EXPECT_EQ(end.ReadAll(2), ReadState::kDrained);
  EXPECT_EQ(end.input, "early");
}

TEST_F(SealedSocket, OpensWhatComesHoweverItIsCut) {
  Shake();
  Expect(Piece("hello").substr(0, 3), ReadState::kDrained);
  EXPECT_EQ(end.input, "");
  Expect(Piece("hello").substr(3) + Piece(" and a longer piece"), ReadState::kDrained);
  EXPECT_EQ(end.input, "hello and a longer piece");
}

TEST_F(SealedSocket, SealsWhatIsWritten) {
  Shake();
  EXPECT_EQ(PeerReceived(1), "S");
  const std::string large(3'000'000, 'x');
  std::string wire;
  std::thread reader([&] { wire = PeerReceived(2 * large.size()); });  // To the end.
  TestReady write([&] {
    end.socket.Write("small");
    end.socket.Write(large);
  });
  end.on_drained = [&] { wait.Done(); };
  loop.Queue(write);
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.socket.pending(), 0u);
  end.socket.Close();
  reader.join();
  ASSERT_TRUE(wire.ends_with('.'));
  wire.pop_back();
  std::string plain;
  for (size_t at = 0; at < wire.size(); at += 1 + static_cast<size_t>(wire[at])) {
    plain.append(wire, at + 1, static_cast<size_t>(wire[at]));
  }
  EXPECT_EQ(plain.size(), 5 + large.size());
  EXPECT_TRUE(plain == "small" + large);
}

TEST_F(SealedSocket, TheEndIsTheLayers) {
  Shake();
  Expect(Piece("last") + "0", ReadState::kEof);
  EXPECT_EQ(end.input, "last");
  EXPECT_TRUE(end.socket.peer_closed());
  EXPECT_FALSE(end.socket.truncated());
}

TEST_F(SealedSocket, AnEndWithoutItsWordIsTold) {
  Shake();
  ReadState seen = ReadState::kMore;
  end.on_event = [&] {
    seen = end.ReadAll();
    wait.Done();
  };
  shutdown(peer, SHUT_WR);
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(seen, ReadState::kEof);
  EXPECT_TRUE(end.socket.truncated());
}

TEST_F(SealedSocket, AFailureSendsItsLastWord) {
  Shake();
  EXPECT_EQ(PeerReceived(1), "S");
  Expect("!", ReadState::kError);
  EXPECT_EQ(end.socket.error(), EPROTO);
  EXPECT_EQ(end.socket.layer()->failure(), "a rule was broken");
  EXPECT_EQ(PeerReceived(5), "alert");
}

TEST_F(SealedSocket, ClosingTellsThePeer) {
  Shake();
  EXPECT_EQ(PeerReceived(1), "S");
  end.socket.Close();
  EXPECT_EQ(PeerReceived(1), ".");
}

}  // namespace
}  // namespace gatehouse::event
