// SPDX-License-Identifier: Apache-2.0
#include "source/event/wakeup.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

TEST(Wakeup, SeveralBeforeItRunsAreOne) {
  Loop loop("test");
  LoopWait wait(loop);
  int woken = 0;
  const auto wakeup = std::make_shared<Wakeup>(loop, [&] {
    EXPECT_TRUE(loop.InLoopThread());
    ++woken;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { wakeup->Wake(); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  loop.Post([&] { wait.Done(); });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(woken, 1);
  wakeup->Wake();
  loop.Post([&] { wait.Done(); });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(woken, 2);
}

TEST(Wakeup, NothingIsCalledAfterItIsClosed) {
  Loop loop("test");
  LoopWait wait(loop);
  int woken = 0;
  const auto wakeup = std::make_shared<Wakeup>(loop, [&] { ++woken; });
  wakeup->Wake();
  wakeup->Close();
  wakeup->Wake();
  loop.Post([&] { wait.Done(); });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(woken, 0);
}

// As workers do that end later than the one whose loop this was.
TEST(Wakeup, ItMayOutliveTheLoop) {
  auto loop = std::make_optional<Loop>("test");
  const auto wakeup = std::make_shared<Wakeup>(*loop, [] { ADD_FAILURE(); });
  wakeup->Close();
  loop.reset();
  std::thread([&] { wakeup->Wake(); }).join();
}

}  // namespace
}  // namespace gatehouse::event
