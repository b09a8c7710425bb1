// SPDX-License-Identifier: Apache-2.0
#include "source/event/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

struct SignalsTest : testing::Test {
  SignalsTest() { Signals::Block(); }
  Loop loop{"test"};
  LoopWait wait{loop};
  std::vector<int> received;
};

TEST_F(SignalsTest, AllFiveReachTheLoop) {
  const Signals signals(loop, [&](int signal) {
    EXPECT_TRUE(loop.InLoopThread());
    received.push_back(signal);
    wait.Done();
  });
  const std::vector<int> all = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM};
  for (const int signal : all) {
    ASSERT_EQ(kill(getpid(), signal), 0);
  }
  EXPECT_TRUE(wait.Run(5));
  std::sort(received.begin(), received.end());
  std::vector<int> expected = all;
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(received, expected);
}

TEST_F(SignalsTest, FromAThreadThatWasStartedAfterBlocking) {
  const Signals signals(loop, [&](int) { wait.Done(); });
  std::thread thread([] { kill(getpid(), SIGTERM); });
  EXPECT_TRUE(wait.Run());
  thread.join();
}

TEST_F(SignalsTest, ThatCameBeforeAreNotLost) {
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  const Signals signals(loop, [&](int signal) {
    EXPECT_EQ(signal, SIGHUP);
    wait.Done();
  });
  EXPECT_TRUE(wait.Run());
}

TEST_F(SignalsTest, TheCallbackMayDestroyIt) {
  std::unique_ptr<Signals> signals = std::make_unique<Signals>(loop, [&](int) {
    signals.reset();
    wait.Done();
  });
  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  EXPECT_TRUE(wait.Run());
}

TEST_F(SignalsTest, SigpipeIsIgnored) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace gatehouse::event
