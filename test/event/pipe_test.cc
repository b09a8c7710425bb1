// SPDX-License-Identifier: Apache-2.0
#include "source/event/pipe.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "test/event/socket_pair.h"

namespace gatehouse::event {
namespace {

using ReadState = Socket::ReadState;

// Bytes from one socket's peer to another's, past us.
struct PipeTest : SocketTest, PipeTarget {
  PipeTest() {
    TcpListener listener;
    reader = ConnectTo(listener.address);
    out.socket.Adopt(accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  ~PipeTest() override { close(reader); }
  Socket& pipe_socket() override { return out.socket; }
  void OnPiped(size_t bytes) override { piped += bytes; }

  std::string Receive(size_t bytes) {
    std::string got(bytes, '\0');
    const ssize_t n = recv(reader, got.data(), bytes, MSG_WAITALL);
    got.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return got;
  }

  PipePool pipes;
  SocketEnd out{loop, pool};
  int reader = -1;
  size_t piped = 0;
};

TEST_F(PipeTest, CarriesBytesBehindWhatWasWritten) {
  std::unique_ptr<Pipe> pipe = pipes.Take(*this);
  ASSERT_NE(pipe, nullptr);
  EXPECT_EQ(&pipe->target(), this);
  end.on_event = [&] {
    out.socket.Write("head ");
    EXPECT_TRUE(end.socket.HasInput());
    const Socket::ReadResult got = end.socket.SpliceInto(*pipe, 4);
    EXPECT_EQ(got.bytes, 4u);
    EXPECT_EQ(pipe->held(), 4u);
    EXPECT_EQ(out.socket.SpliceFrom(*pipe), 4u);
    EXPECT_EQ(pipe->held(), 0u);
    EXPECT_TRUE(out.socket.has_sent());
    wait.Done();
  };
  PeerSends("body and more");
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(Receive(9), "head body");
}

TEST_F(PipeTest, DrainedIsToldWithNoBytesOnly) {
  std::unique_ptr<Pipe> pipe = pipes.Take(*this);
  end.on_event = [&] {
    EXPECT_EQ(end.socket.SpliceInto(*pipe, 100).state, ReadState::kMore);
    EXPECT_EQ(out.socket.SpliceFrom(*pipe), 3u);
    EXPECT_EQ(end.socket.SpliceInto(*pipe, 100).state, ReadState::kDrained);
    EXPECT_FALSE(end.socket.readable());
    EXPECT_FALSE(end.socket.HasInput());
    wait.Done();
  };
  PeerSends("abc");
  EXPECT_TRUE(wait.Run());
}

TEST_F(PipeTest, ReportsTheEnd) {
  std::unique_ptr<Pipe> pipe = pipes.Take(*this);
  ReadState state = ReadState::kMore;
  end.on_event = [&] {
    state = end.socket.SpliceInto(*pipe, 100).state;
    wait.Done();
  };
  ClosePeer();
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(state, ReadState::kEof);
}

TEST_F(PipeTest, WaitsForAReaderThatHasStopped) {
  std::unique_ptr<Pipe> pipe = pipes.Take(*this);
  const std::string block(64 * 1024, 'x');
  size_t sent = 0;
  // Fills what the kernel takes, then what the pipe takes.
  while (out.socket.pending() == 0) {
    out.socket.Write(block);
    sent += block.size();
  }
  end.on_event = [&] {
    EXPECT_GT(end.socket.SpliceInto(*pipe, 100).bytes, 0u);
    EXPECT_EQ(out.socket.SpliceFrom(*pipe), 0u);
    EXPECT_EQ(pipe->held(), 4u);
    wait.Done();
  };
  PeerSends("late");
  EXPECT_TRUE(wait.Run());
  out.on_drained = [&] {
    out.socket.SpliceFrom(*pipe);
    if (pipe->held() == 0) {
      wait.Done();
    }
  };
  std::string got;
  std::thread peer_reads([&] { got = Receive(sent + 4); });
  EXPECT_TRUE(wait.Run());
  peer_reads.join();
  EXPECT_EQ(got, std::string(sent, 'x') + "late");
}

TEST_F(PipeTest, EmptyOnesAreKept) {
  std::unique_ptr<Pipe> pipe = pipes.Take(*this);
  const Pipe* const first = pipe.get();
  pipes.Give(std::move(pipe));
  EXPECT_EQ(pipes.Take(*this).get(), first);
}

}  // namespace
}  // namespace gatehouse::event
