// SPDX-License-Identifier: Apache-2.0
#include "source/event/background.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

TEST(Background, RunsInOrderAndPostsBack) {
  Loop loop("test");
  LoopWait wait(loop);
  std::vector<int> results;
  Background background(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(background.Run([&, i] {
      EXPECT_FALSE(loop.InLoopThread());
      loop.Post([&, i] {
        results.push_back(i);
        wait.Done();
      });
    }));
  }
  EXPECT_TRUE(wait.Run(100));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(results[i], i);
  }
}

TEST(Background, TwoThreadsRunAtTheSameTime) {
  Background background(2, "pool");
  std::promise<void> first;
  std::promise<void> second;
  auto meet = [](std::promise<void>& mine, std::promise<void>& other) {
    mine.set_value();
    EXPECT_EQ(other.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "pool");
  };
  background.Run([&] { meet(first, second); });
  background.Run([&] { meet(second, first); });
  background.Stop(Background::Queued::kFinish);
}

// Holds the only thread until `release` is set.
struct Held {
  Held() {
    background.Run([this] {
      started.set_value();
      released.wait();
      ++ran;
    });
    started.get_future().wait();
  }
  std::promise<void> started;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> ran{0};
  Background background{1};
};

TEST(Background, StopFinishesWhatIsQueued) {
  Held held;
  for (int i = 0; i < 10; ++i) {
    held.background.Run([&] { ++held.ran; });
  }
  held.release.set_value();
  held.background.Stop(Background::Queued::kFinish);
  EXPECT_EQ(held.ran, 11);
  EXPECT_FALSE(held.background.Run([] { FAIL(); }));
  held.background.Stop(Background::Queued::kAbandon);
}

TEST(Background, StopAbandonsWhatIsQueuedAndDestroysIt) {
  Held held;
  auto token = std::make_shared<int>();
  for (int i = 0; i < 10; ++i) {
    held.background.Run([token] { FAIL(); });
  }
  EXPECT_EQ(token.use_count(), 11);
  std::thread releases([&] {
    // The queue is emptied before the running job is waited for.
    while (held.background.Run([] {})) {
      std::this_thread::yield();
    }
    held.release.set_value();
  });
  held.background.Stop(Background::Queued::kAbandon);
  releases.join();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(held.ran, 1);
}

TEST(Background, AJobMayQueueAnother) {
  std::promise<void> done;
  Background background(1);
  background.Run([&] { background.Run([&] { done.set_value(); }); });
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(Background, ManyThreadsGiveJobs) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 1000;
  std::atomic<int> ran{0};
  Background background(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kJobs; ++i) {
        background.Run([&] { ++ran; });
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  background.Stop(Background::Queued::kFinish);
  EXPECT_EQ(ran, kThreads * kJobs);
}

}  // namespace
}  // namespace gatehouse::event
