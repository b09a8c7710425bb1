// SPDX-License-Identifier: Apache-2.0
#include "source/server/listening.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace gatehouse::server {
namespace {

config::Address At(std::string_view text) { return *config::ParseAddress(text); }

// A connection being made.
class Connecting {
 public:
  explicit Connecting(const event::SocketAddress& address)
      : fd_(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    connect(fd_, address.data(), address.length);
  }
  ~Connecting() { close(fd_); }

  // 0 when it is made, the error when it is refused, ETIMEDOUT when neither in `ms`.
  int Outcome(int ms) const {
    pollfd ready{fd_, POLLOUT, 0};
    if (poll(&ready, 1, ms) == 0) {
      return ETIMEDOUT;
    }
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
  }

 private:
  int fd_;
};

TEST(ListenAddress, TakesAddressesAndNoNames) {
  EXPECT_EQ(ListenAddress(At("127.0.0.1:80"))->ToString(), "127.0.0.1:80");
  EXPECT_EQ(ListenAddress(At("[::1]:80"))->ToString(), "[::1]:80");
  EXPECT_EQ(ListenAddress(At(":80"))->ToString(), "0.0.0.0:80");
  EXPECT_EQ(ListenAddress(At("localhost:80"))->ToString(), "127.0.0.1:80");
  EXPECT_EQ(ListenAddress(At("unix:/tmp/x"))->ToString(), "unix:/tmp/x");
  EXPECT_FALSE(ListenAddress(At("example.com:80")));
}

TEST(RefuseNewConnections, KeepsThoseThatWereMade) {
  auto sockets = event::ListeningSockets::Bind(*ListenAddress(At("127.0.0.1:0")), 1);
  ASSERT_TRUE(sockets) << sockets.error().message;
  const event::SocketAddress address = (*sockets)->address();
  const Connecting before(address);
  ASSERT_EQ(before.Outcome(5000), 0);

  RefuseNewConnections(**sockets);
  const Connecting after(address);
  EXPECT_EQ(after.Outcome(5000), ECONNREFUSED);

  const int accepted = accept((*sockets)->fds()[0], nullptr, nullptr);
  EXPECT_GE(accepted, 0);
  close(accepted);
  fcntl((*sockets)->fds()[0], F_SETFL, O_NONBLOCK);
  EXPECT_EQ(accept((*sockets)->fds()[0], nullptr, nullptr), -1);

  // The address is still ours, and another listener's when it asks for it.
  EXPECT_FALSE(event::ListeningSockets::Bind(address, 1));
  EXPECT_TRUE(event::ListeningSockets::Bind(address, 1, event::ListeningSockets::Sharing::kAllow));
}

class BindTest : public testing::Test {
 protected:
  static proxy::Snapshot With(std::initializer_list<std::pair<uint32_t, std::string>> listeners) {
    proxy::Snapshot out;
    for (const auto& [id, address] : listeners) {
      auto settings = std::make_shared<proxy::ListenerSettings>();
      settings->name = "listener" + std::to_string(id);
      settings->address = At(address);
      proxy::ListenerPlan plan;
      plan.id = id;
      plan.settings = std::move(settings);
      out.listeners.push_back(std::move(plan));
    }
    return out;
  }

  event::Loop loop_{"test"};
  const WorkerThreads workers_;
  Listening listening_{loop_, workers_};
};

TEST_F(BindTest, BindsOneSocketForEachWorker) {
  const auto bound = listening_.Bind(With({{4, "127.0.0.1:0"}, {5, "127.0.0.1:0"}}), 3);
  ASSERT_TRUE(bound) << bound.error().message;
  EXPECT_EQ(bound->size(), 2u);
  EXPECT_EQ(bound->at(4)->fds().size(), 3u);
  EXPECT_NE(bound->at(4)->address().port(), bound->at(5)->address().port());
}

TEST_F(BindTest, NamesTheListenerWhoseAddressIsTakenAndBindsNone) {
  const auto holder = listening_.Bind(With({{0, "127.0.0.1:0"}}), 1);
  ASSERT_TRUE(holder);
  const std::string taken = holder->at(0)->address().ToString();
  auto free = listening_.Bind(With({{1, "127.0.0.1:0"}}), 1);
  const std::string other = free->at(1)->address().ToString();
  free->clear();

  const auto bound = listening_.Bind(With({{1, other}, {2, taken}}), 1);
  ASSERT_FALSE(bound);
  EXPECT_NE(bound.error().message.find("listener listener2: "), std::string::npos);
  EXPECT_NE(bound.error().message.find(taken + ": the address is in use"), std::string::npos)
      << bound.error().message;
  EXPECT_TRUE(listening_.Bind(With({{1, other}}), 1));
}

}  // namespace
}  // namespace gatehouse::server
