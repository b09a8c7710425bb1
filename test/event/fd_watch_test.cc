// SPDX-License-Identifier: Apache-2.0
#include "source/event/fd_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

struct FdWatchTest : testing::Test {
  FdWatchTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()), 0);
  }
  ~FdWatchTest() override {
    close(fds[0]);
    close(fds[1]);
  }
  Loop loop{"test"};
  LoopWait wait{loop};
  std::array<int, 2> fds{};
};

TEST_F(FdWatchTest, CallsAsLongAsThereIsInput) {
  const FdWatch watch(loop, fds[0], true, false, [&](bool readable, bool writable) {
    EXPECT_TRUE(readable);
    EXPECT_FALSE(writable);
    char byte = 0;
    EXPECT_EQ(read(fds[0], &byte, 1), 1);  // One at a time: it is called again for the rest.
    wait.Done();
  });
  ASSERT_EQ(write(fds[1], "abc", 3), 3);
  EXPECT_TRUE(wait.Run(3));
}

TEST_F(FdWatchTest, Writable) {
  std::unique_ptr<FdWatch> watch =
      std::make_unique<FdWatch>(loop, fds[0], false, true, [&](bool readable, bool writable) {
        EXPECT_FALSE(readable);
        EXPECT_TRUE(writable);
        watch.reset();
        wait.Done();
      });
  EXPECT_TRUE(wait.Run());
}

TEST_F(FdWatchTest, EndOfThePeerIsReadable) {
  std::unique_ptr<FdWatch> watch =
      std::make_unique<FdWatch>(loop, fds[0], true, false, [&](bool readable, bool) {
        char byte = 0;
        EXPECT_TRUE(readable);
        EXPECT_EQ(read(fds[0], &byte, 1), 0);
        watch.reset();
        wait.Done();
      });
  shutdown(fds[1], SHUT_WR);
  EXPECT_TRUE(wait.Run());
}

// The callback's own captures stay alive until it returns.
TEST_F(FdWatchTest, DestroyedAndReplacedInItsOwnCallback) {
  std::unique_ptr<FdWatch> watch;
  auto token = std::make_shared<int>(7);
  std::weak_ptr<int> weak = token;
  watch = std::make_unique<FdWatch>(loop, fds[0], true, false, [&, token](bool, bool) {
    watch = std::make_unique<FdWatch>(loop, fds[0], true, true, [&](bool, bool writable) {
      EXPECT_TRUE(writable);
      watch.reset();
      wait.Done();
    });
    EXPECT_EQ(*token, 7);
  });
  token.reset();
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  EXPECT_TRUE(wait.Run());
  EXPECT_TRUE(weak.expired());
}

}  // namespace
}  // namespace gatehouse::event
