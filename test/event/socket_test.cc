// SPDX-License-Identifier: Apache-2.0
#include "source/event/socket.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "source/event/fd_watch.h"
#include "test/event/short_directory.h"
#include "test/event/socket_pair.h"

namespace gatehouse::event {
namespace {

using ReadState = Socket::ReadState;

struct SocketReads : SocketTest {};
struct SocketWrites : SocketTest {};
struct SocketEnds : SocketTest {};
struct UnixSocket : SocketTest {
  UnixSocket() : SocketTest(false) {}
};

TEST_F(SocketReads, AShortReadIsTheLast) {
  ReadState state = ReadState::kMore;
  end.on_event = [&] {
    state = end.ReadAll();
    wait.Done();
  };
  PeerSends("hello");
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.input, "hello");
  EXPECT_EQ(state, ReadState::kDrained);
  EXPECT_FALSE(end.socket.readable());
  EXPECT_TRUE(end.socket.connected());
  EXPECT_FALSE(end.socket.peer_closed());
}

TEST_F(SocketReads, AFullBufferMeansThereMayBeMore) {
  std::vector<ReadState> states;
  end.on_event = [&] {
    char buffer[4];
    for (;;) {
      const Socket::ReadResult result = end.socket.Read(buffer, sizeof(buffer));
      end.input.append(buffer, result.bytes);
      states.push_back(result.state);
      if (result.state != ReadState::kMore) {
        break;
      }
    }
    wait.Done();
  };
  PeerSends("12345678");
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.input, "12345678");
  EXPECT_EQ(states,
            (std::vector<ReadState>{ReadState::kMore, ReadState::kMore, ReadState::kDrained}));
}

TEST_F(SocketReads, IntoNoRoomIsNoEndOfFile) {
  end.on_event = [&] {
    EXPECT_EQ(end.socket.Read(nullptr, 0).state, ReadState::kMore);
    EXPECT_EQ(end.ReadAll(), ReadState::kDrained);
    EXPECT_EQ(end.socket.Read(nullptr, 0).state, ReadState::kDrained);
    wait.Done();
  };
  PeerSends("x");
  EXPECT_TRUE(wait.Run());
}

TEST_F(SocketReads, LaterInputIsANewEvent) {
  end.on_event = [&] {
    end.ReadAll();
    wait.Done();
  };
  for (const char* part : {"a", "b", "c"}) {
    PeerSends(part);
    EXPECT_TRUE(wait.Run());
  }
  EXPECT_EQ(end.input, "abc");
  EXPECT_EQ(end.events, 3);
}

TEST_F(SocketReads, EndOfFileAfterData) {
  ReadState state = ReadState::kMore;
  end.on_event = [&] {
    state = end.ReadAll();
    if (state == ReadState::kEof) {
      wait.Done();
    }
  };
  PeerSends("bye");
  ClosePeer();
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.input, "bye");
  EXPECT_TRUE(end.socket.peer_closed());
  EXPECT_EQ(end.socket.error(), 0);
}

TEST_F(SocketReads, OfWhatCameBeforeItWasAdopted) {
  TcpListener listener;
  const int client = ConnectTo(listener.address);
  ASSERT_EQ(send(client, "early", 5, 0), 5);
  const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  SocketEnd late(loop, pool);
  late.on_event = [&] {
    late.ReadAll();
    if (late.input == "early") {
      wait.Done();
    }
  };
  late.socket.Adopt(fd);
  EXPECT_TRUE(wait.Run());
  close(client);
}

TEST_F(SocketWrites, GathersSmallOnes) {
  loop.Post([&] {
    end.socket.Write("GET / ");
    end.socket.Write("HTTP/1.1\r\n");
    std::memcpy(end.socket.Reserve(2), "\r\n", 2);
    end.socket.Commit(2);
    EXPECT_EQ(end.socket.pending(), 18u);
    EXPECT_EQ(PeerReceives(), "");
  });
  end.on_drained = [&] { wait.Done(); };
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(PeerReceives(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(end.socket.pending(), 0u);
  EXPECT_EQ(end.drained, 1);
}

TEST_F(SocketWrites, OutsideOfCallbacksLeaveWhenTheLoopRuns) {
  end.on_drained = [&] { wait.Done(); };
  end.socket.Write("hello");
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(PeerReceives(), "hello");
}

TEST_F(SocketWrites, LargeOnesLeaveAtOnceBehindWhatWasGathered) {
  const std::string large(20'000, 'x');
  loop.Post([&] {
    end.socket.Write("head");
    end.socket.Write(large);
    EXPECT_EQ(end.socket.pending(), 0u);
    EXPECT_EQ(PeerReceives(), "head" + large);
    wait.Done();
  });
  EXPECT_TRUE(wait.Run());
}

// Fills the kernel's buffers, then reads at the other end until all has come.
void SendsMoreThanTheKernelTakes(SocketTest& test) {
  constexpr size_t kBytes = 32 << 20;
  std::string sent(kBytes, '\0');
  for (size_t i = 0; i < kBytes; ++i) {
    sent[i] = static_cast<char>(i * 7 + i / 251);
  }
  std::string received;
  bool drained = false;
  bool shut = false;
  FdWatch reader(test.loop, test.peer, true, false, [&](bool, bool) {
    std::string part = test.PeerReceives();
    shut = part.empty();
    received += part;
    if (shut) {
      test.wait.Done();
    }
  });
  test.end.on_drained = [&] { drained = true; };
  test.loop.Post([&] {
    for (size_t at = 0; at < kBytes; at += kBytes / 32) {
      test.end.socket.Write(std::string_view(sent).substr(at, kBytes / 32));
    }
    EXPECT_GT(test.end.socket.pending(), 0u);
    test.end.socket.ShutdownWrite();
  });
  EXPECT_TRUE(test.wait.Run());
  EXPECT_TRUE(received == sent) << received.size() << " of " << sent.size();
  EXPECT_TRUE(drained);
  EXPECT_TRUE(shut);
}

TEST_F(SocketWrites, KeepsWhatTheKernelRefuses) { SendsMoreThanTheKernelTakes(*this); }
TEST_F(UnixSocket, KeepsWhatTheKernelRefuses) { SendsMoreThanTheKernelTakes(*this); }

TEST_F(SocketWrites, IsNotToldOfItsOwnRoomAgain) {
  end.on_drained = [&] { wait.Done(); };
  loop.Post([&] { end.socket.Write("x"); });
  EXPECT_TRUE(wait.Run());
  wait.RunFor(std::chrono::milliseconds(30));
  EXPECT_EQ(end.events, 0);
}

TEST_F(SocketEnds, HalfCloseByUs) {
  end.on_event = [&] {
    if (end.ReadAll() == ReadState::kEof) {
      wait.Done();
    }
  };
  loop.Post([&] {
    end.socket.Write("question");
    end.socket.ShutdownWrite();
  });
  std::string got;
  std::unique_ptr<FdWatch> reader;
  reader = std::make_unique<FdWatch>(loop, peer, true, false, [&](bool, bool) {
    const std::string part = PeerReceives();
    got += part;
    if (part.empty()) {
      reader.reset();
      PeerSends("answer");
      shutdown(peer, SHUT_WR);
    }
  });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(got, "question");
  EXPECT_EQ(end.input, "answer");
}

TEST_F(SocketEnds, HalfCloseByThePeerLeavesUsWriting) {
  end.on_event = [&] {
    if (end.ReadAll() == ReadState::kEof) {
      end.socket.Write("answer to " + end.input);
    }
  };
  end.on_drained = [&] { wait.Done(); };
  PeerSends("question");
  shutdown(peer, SHUT_WR);
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(PeerReceives(), "answer to question");
  EXPECT_TRUE(end.socket.connected());
}

TEST_F(SocketEnds, ResetIsAnError) {
  end.on_event = [&] {
    if (end.ReadAll() == ReadState::kError) {
      wait.Done();
    }
  };
  ResetPeer();
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.socket.error(), ECONNRESET);
  EXPECT_FALSE(end.socket.connected());
}

// Failed once: bytes and reset come as one event, the bytes are read, and nothing ever told of the
// reset.
TEST_F(SocketEnds, ResetTogetherWithDataIsAnError) {
  end.on_event = [&] {
    if (end.ReadAll() == ReadState::kError) {
      wait.Done();
    }
  };
  PeerSends("half an ans");
  ResetPeer();
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.input, "half an ans");
  EXPECT_EQ(end.socket.error(), ECONNRESET);
}

TEST_F(UnixSocket, ResetTogetherWithDataIsAnError) {
  end.on_event = [&] {
    if (end.ReadAll() == ReadState::kError) {
      wait.Done();
    }
  };
  loop.Post([&] {
    end.socket.Write("never read");
    loop.Post([&] {
      PeerSends("half an ans");
      ClosePeer();
    });
  });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.input, "half an ans");
  EXPECT_EQ(end.socket.error(), ECONNRESET);
}

TEST_F(SocketEnds, WritingToOneWhoLeftIsToldFromTheLoop) {
  ClosePeer();
  bool in_write = false;
  end.on_event = [&] {
    EXPECT_FALSE(in_write);
    if (end.socket.error() != 0) {
      wait.Done();
      return;
    }
    end.ReadAll();
    // The first makes the peer's kernel answer with a reset, a later one finds it.
    in_write = true;
    end.socket.Write(std::string(10'000, 'x'));
    in_write = false;
  };
  EXPECT_TRUE(wait.Run());
  EXPECT_TRUE(end.socket.error() == ECONNRESET || end.socket.error() == EPIPE)
      << end.socket.error();
}

TEST_F(SocketEnds, AnEarlyAnswerCanBeReadAfterWritingFailed) {
  bool failed = false;
  end.on_event = [&] {
    if (end.socket.error() != 0) {
      failed = true;
      end.ReadAll();
      wait.Done();
    }
  };
  loop.Post([&] {
    PeerSends("413");
    shutdown(end_fd, SHUT_WR);  // So that the next write is refused with EPIPE.
    end.socket.Write("body");
  });
  EXPECT_TRUE(wait.Run());
  EXPECT_TRUE(failed);
  EXPECT_EQ(end.input, "413");
  EXPECT_EQ(end.socket.error(), EPIPE);
}

TEST_F(SocketEnds, CloseInsideACallback) {
  end.on_event = [&] {
    end.socket.Write("lost");
    end.socket.Close();
    EXPECT_FALSE(end.socket.open());
    EXPECT_EQ(end.ReadAll(), ReadState::kError);
    end.socket.Write("ignored");
    wait.Done();
  };
  PeerSends("x");
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(PeerReceives(), "");
  EXPECT_EQ(end.drained, 0);
}

TEST_F(SocketEnds, CloseWithReset) {
  end.socket.Close(/*reset=*/true);
  char byte = 0;
  EXPECT_EQ(recv(peer, &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(SocketConnect, SucceedsAndSendsWhatWasWrittenMeanwhile) {
  Loop loop("test");
  LoopWait wait(loop);
  BufferPool pool;
  TcpListener listener;
  SocketEnd end(loop, pool);
  end.on_event = [&] {
    EXPECT_FALSE(end.socket.connecting());
    EXPECT_TRUE(end.socket.connected());
    wait.Done();
  };
  end.on_drained = [&] { wait.Done(); };
  loop.Post([&] {
    ASSERT_EQ(end.socket.Connect(listener.address), 0);
    EXPECT_TRUE(end.socket.connecting());
    EXPECT_FALSE(end.socket.connected());
    end.socket.Write("hello");
    end.socket.Write(std::string(9000, 'x'));
    end.socket.ShutdownWrite();
  });
  EXPECT_TRUE(wait.Run(2));
  const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
  std::string all(10'000, '\0');
  EXPECT_EQ(recv(fd, all.data(), all.size(), MSG_WAITALL), 9005);
  close(fd);
}

TEST(SocketConnect, HalfClosesOnceConnected) {
  Loop loop("test");
  LoopWait wait(loop);
  BufferPool pool;
  TcpListener listener;
  SocketEnd end(loop, pool);
  loop.Post([&] {
    ASSERT_EQ(end.socket.Connect(listener.address), 0);
    end.socket.ShutdownWrite();
  });
  FdWatch accepted(loop, listener.fd, true, false, [&](bool, bool) { wait.Done(); });
  EXPECT_TRUE(wait.Run());
  const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
  FdWatch shut(loop, fd, true, false, [&](bool, bool) { wait.Done(); });
  EXPECT_TRUE(wait.Run());
  char byte = 0;
  EXPECT_EQ(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
  close(fd);
}

TEST(SocketConnect, Refused) {
  Loop loop("test");
  LoopWait wait(loop);
  BufferPool pool;
  const SocketAddress nobody = TcpListener().address;  // Closed again at once.
  SocketEnd end(loop, pool);
  end.on_event = [&] { wait.Done(); };
  const int error = end.socket.Connect(nobody);
  if (error == 0) {
    EXPECT_TRUE(wait.Run());
    EXPECT_EQ(end.socket.error(), ECONNREFUSED);
    EXPECT_FALSE(end.socket.connecting());
  } else {
    EXPECT_EQ(error, ECONNREFUSED);
  }
  EXPECT_FALSE(end.socket.connected());
  EXPECT_EQ(end.drained, 0);
}

TEST(SocketConnect, AgainAfterClose) {
  Loop loop("test");
  LoopWait wait(loop);
  BufferPool pool;
  const SocketAddress nobody = TcpListener().address;
  TcpListener listener;
  SocketEnd end(loop, pool);
  end.on_event = [&] { wait.Done(); };
  if (end.socket.Connect(nobody) == 0) {
    EXPECT_TRUE(wait.Run());
  }
  end.socket.Close();
  ASSERT_EQ(end.socket.Connect(listener.address), 0);
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(end.socket.error(), 0);
  EXPECT_TRUE(end.socket.connected());
}

TEST(SocketConnect, ToAUnixSocketThatIsNotThere) {
  Loop loop("test");
  BufferPool pool;
  SocketEnd end(loop, pool);
  const ShortDirectory directory;
  const auto address = SocketAddress::FromUnixPath(directory.path + "/nobody.sock");
  EXPECT_EQ(end.socket.Connect(*address), ENOENT);
  EXPECT_FALSE(end.socket.open());
}

}  // namespace
}  // namespace gatehouse::event
