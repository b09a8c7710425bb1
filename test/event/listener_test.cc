// SPDX-License-Identifier: Apache-2.0
#include "source/event/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "test/event/short_directory.h"
#include "test/event/socket_pair.h"

namespace gatehouse::event {
namespace {

SocketAddress Ip(const char* ip, uint16_t port = 0) {
  return SocketAddress::FromIp(*ParseIp(ip), port);
}

// A client that does not wait.
int StartConnecting(const SocketAddress& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int result = connect(fd, address.data(), address.length);
  EXPECT_TRUE(result == 0 || errno == EINPROGRESS) << errno;
  return fd;
}

TEST(ListeningSockets, Port0IsTheSameForAll) {
  const auto sockets = ListeningSockets::Bind(Ip("127.0.0.1"), 3);
  ASSERT_TRUE(sockets) << sockets.error().message;
  ASSERT_EQ((*sockets)->fds().size(), 3u);
  const uint16_t port = (*sockets)->address().port();
  EXPECT_NE(port, 0);
  for (const int fd : (*sockets)->fds()) {
    SocketAddress own;
    own.length = sizeof(own.storage);
    ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&own.storage), &own.length), 0);
    EXPECT_EQ(own.port(), port);
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST(ListeningSockets, RefusesAnAddressInUseAlthoughItWouldBeShared) {
  const auto first = ListeningSockets::Bind(Ip("127.0.0.1"), 2);
  ASSERT_TRUE(first);
  const auto second = ListeningSockets::Bind((*first)->address(), 2);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_EQ(second.error().message,
            "can't listen on " + (*first)->address().ToString() + ": the address is in use");
  // Also of all addresses together.
  EXPECT_FALSE(ListeningSockets::Bind(Ip("0.0.0.0", (*first)->address().port()), 1));
}

TEST(ListeningSockets, FreesTheAddressWithTheObject) {
  auto first = ListeningSockets::Bind(Ip("127.0.0.1"), 2);
  ASSERT_TRUE(first);
  const SocketAddress address = (*first)->address();
  const int client = ConnectTo(address);  // Leaves a connection behind.
  first->reset();
  EXPECT_TRUE(ListeningSockets::Bind(address, 2));
  close(client);
}

TEST(ListeningSockets, RefusesWhatIsNotOurAddress) {
  const auto sockets = ListeningSockets::Bind(Ip("192.0.2.1", 1), 1);
  ASSERT_FALSE(sockets);
  EXPECT_EQ(sockets.error().message,
            "can't listen on 192.0.2.1:1: Cannot assign requested address");
}

TEST(ListeningSockets, Ipv6BesideIpv4OnTheSamePort) {
  const auto v4 = ListeningSockets::Bind(Ip("0.0.0.0"), 1);
  ASSERT_TRUE(v4);
  // Failed once: the probe asked for both families.
  const auto v6 = ListeningSockets::Bind(Ip("::", (*v4)->address().port()), 1);
  ASSERT_TRUE(v6) << v6.error().message;
  EXPECT_EQ((*v6)->address().ToString(), "[::]:" + std::to_string((*v4)->address().port()));
  close(ConnectTo(Ip("::1", (*v6)->address().port())));
}

TEST(ListeningSockets, UnixSocketFileComesAndGoes) {
  const ShortDirectory directory;
  const std::string path = directory.path + "/a.sock";
  const SocketAddress address = *SocketAddress::FromUnixPath(path);
  auto sockets = ListeningSockets::Bind(address, 4);
  ASSERT_TRUE(sockets) << sockets.error().message;
  // Each worker has a descriptor, and any of them takes the next connection.
  EXPECT_EQ((*sockets)->fds().size(), 4u);
  for (const int fd : (*sockets)->fds()) {
    const int client = ConnectTo(address);
    const int accepted = accept(fd, nullptr, nullptr);
    EXPECT_GE(accepted, 0);
    close(accepted);
    close(client);
  }
  sockets->reset();
  struct stat info{};
  EXPECT_NE(lstat(path.c_str(), &info), 0);
}

TEST(ListeningSockets, ReplacesAStaleUnixSocketOnly) {
  const ShortDirectory place;
  const std::string& directory = place.path;
  const SocketAddress address = *SocketAddress::FromUnixPath(directory + "/a.sock");
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(stale, address.data(), address.length), 0);
  close(stale);
  const auto live = ListeningSockets::Bind(address, 1);
  ASSERT_TRUE(live) << live.error().message;

  const auto second = ListeningSockets::Bind(address, 1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "can't listen on unix:" + directory + "/a.sock: the address is in use");
  close(ConnectTo(address));  // The attempt did not remove the file.

  const std::string file = directory + "/file";
  close(open(file.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(ListeningSockets::Bind(*SocketAddress::FromUnixPath(file), 1));
  EXPECT_EQ(access(file.c_str(), F_OK), 0);
  EXPECT_FALSE(ListeningSockets::Bind(*SocketAddress::FromUnixPath(directory + "/no/a.sock"), 1));
}

// Failed once: connecting to find out whether somebody listens waited for room in the queue.
TEST(ListeningSockets, AUnixSocketWithAFullQueueIsAlive) {
  const ShortDirectory directory;
  const SocketAddress address = *SocketAddress::FromUnixPath(directory.path + "/a.sock");
  const int busy = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(busy, address.data(), address.length), 0);
  ASSERT_EQ(listen(busy, 0), 0);
  const int client = ConnectTo(address);
  EXPECT_FALSE(ListeningSockets::Bind(address, 1));
  close(client);
  close(busy);
}

TEST(ListeningSockets, LeavesTheFileOfASuccessor) {
  const ShortDirectory directory;
  const std::string path = directory.path + "/a.sock";
  const SocketAddress address = *SocketAddress::FromUnixPath(path);
  auto old = ListeningSockets::Bind(address, 1);
  ASSERT_TRUE(old);
  ASSERT_EQ(unlink(path.c_str()), 0);
  const auto successor = ListeningSockets::Bind(address, 1);
  ASSERT_TRUE(successor);
  old->reset();
  close(ConnectTo(address));
}

struct Accepted final : Acceptor::Handler {
  explicit Accepted(LoopWait& wait) : wait(wait) {}
  ~Accepted() {
    for (const int fd : fds) {
      close(fd);
    }
  }
  void OnAccept(int fd, const SocketAddress& peer) override {
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    fds.push_back(fd);
    peers.push_back(peer);
    if (on_accept) {
      on_accept();
    }
    wait.Done();
  }
  void OnAcceptError(int error) override {
    errors.push_back(error);
    if (on_error) {
      on_error();
    }
  }
  LoopWait& wait;
  std::function<void()> on_accept;
  std::function<void()> on_error;
  std::vector<int> fds;
  std::vector<SocketAddress> peers;
  std::vector<int> errors;
};

struct AcceptorTest : testing::Test {
  AcceptorTest() : sockets(*ListeningSockets::Bind(Ip("127.0.0.1"), 1)) {}
  ~AcceptorTest() override {
    for (const int fd : clients) {
      close(fd);
    }
  }
  void Connect() { clients.push_back(StartConnecting(sockets->address())); }

  Loop loop{"test"};
  LoopWait wait{loop};
  Accepted accepted{wait};
  std::unique_ptr<ListeningSockets> sockets;
  std::vector<int> clients;
};

TEST_F(AcceptorTest, TellsTheClientsAddress) {
  const Acceptor acceptor(loop, sockets->fds()[0], accepted);
  Connect();
  EXPECT_TRUE(wait.Run());
  SocketAddress own;
  own.length = sizeof(own.storage);
  getsockname(clients[0], reinterpret_cast<sockaddr*>(&own.storage), &own.length);
  EXPECT_EQ(accepted.peers[0].ToString(), own.ToString());
}

TEST_F(AcceptorTest, AcceptsAllHoweverMany) {
  const Acceptor acceptor(loop, sockets->fds()[0], accepted);
  for (int i = 0; i < 200; ++i) {
    Connect();
  }
  EXPECT_TRUE(wait.Run(200));
  EXPECT_TRUE(accepted.errors.empty());
}

TEST_F(AcceptorTest, DrainTakesWhatIsQueuedAndStops) {
  Acceptor acceptor(loop, sockets->fds()[0], accepted);
  for (int i = 0; i < 10; ++i) {
    clients.push_back(ConnectTo(sockets->address()));
  }
  acceptor.Drain();
  EXPECT_EQ(accepted.fds.size(), 10u);
  Connect();
  wait.RunFor(std::chrono::milliseconds(60));
  EXPECT_EQ(accepted.fds.size(), 10u);
}

TEST_F(AcceptorTest, DrainInsideOnAccept) {
  Acceptor acceptor(loop, sockets->fds()[0], accepted);
  accepted.on_accept = [&] { acceptor.Drain(); };
  for (int i = 0; i < 3; ++i) {
    clients.push_back(ConnectTo(sockets->address()));
  }
  EXPECT_TRUE(wait.Run(3));
}

TEST_F(AcceptorTest, DestroyedLeavesTheQueueToTheNext) {
  std::make_unique<Acceptor>(loop, sockets->fds()[0], accepted).reset();
  Connect();
  wait.RunFor(std::chrono::milliseconds(40));
  EXPECT_TRUE(accepted.fds.empty());
  const Acceptor next(loop, sockets->fds()[0], accepted);
  EXPECT_TRUE(wait.Run());
}

// Out of descriptors: pauses instead of spinning, and goes on when there are some again.
TEST_F(AcceptorTest, PausesWhenThereIsNoDescriptorLeft) {
  const Acceptor acceptor(loop, sockets->fds()[0], accepted);
  Connect();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  accepted.on_error = [&] {
    if (accepted.errors.size() == 2) {
      EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    }
  };
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const MonotonicTime start = MonotonicNow();
  const bool came = wait.Run();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(came);
  EXPECT_EQ(accepted.errors, (std::vector<int>{EMFILE, EMFILE}));
  EXPECT_GE(MonotonicNow() - start, std::chrono::milliseconds(200));  // Two pauses.
}

}  // namespace
}  // namespace gatehouse::event
