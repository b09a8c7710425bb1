// SPDX-License-Identifier: Apache-2.0
#include "source/event/loop.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "source/event/fd_watch.h"
#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

TEST(Loop, RunsWhatOtherThreadsPostInTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  Loop loop("test");
  LoopWait wait(loop);
  std::array<int, kThreads> next{};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop.Post([&, t, i] {
          EXPECT_TRUE(loop.InLoopThread());
          EXPECT_EQ(next[t]++, i);
          wait.Done();
        });
      }
    });
  }
  EXPECT_TRUE(wait.Run(kThreads * kPosts));
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(Loop, StopsFromAnotherThreadAndRunsWhatWasPostedBefore) {
  Loop loop("worker-0");
  int ran = 0;
  std::thread runner([&] {
    loop.Run();
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    EXPECT_STREQ(name.data(), "worker-0");
  });
  for (int i = 0; i < 100; ++i) {
    loop.Post([&] { ++ran; });
  }
  loop.Stop();
  runner.join();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(loop.InLoopThread());
}

TEST(Loop, CanRunAgain) {
  Loop loop("test");
  for (int i = 0; i < 3; ++i) {
    bool ran = false;
    loop.Post([&] {
      ran = true;
      loop.Stop();
    });
    loop.Run();
    EXPECT_TRUE(ran);
  }
}

TEST(Loop, DestroysTasksThatNeverRan) {
  auto token = std::make_shared<int>(1);
  {
    Loop loop("test");
    loop.Post([token] { FAIL(); });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Ready, RunsOnceHoweverOftenItIsQueued) {
  Loop loop("test");
  LoopWait wait(loop);
  int runs = 0;
  TestReady ready([&] { ++runs; });
  TestReady last([&] { wait.Done(); });
  loop.Queue(ready);
  loop.Queue(ready);
  loop.Queue(last);
  EXPECT_TRUE(ready.queued());
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(ready.queued());
}

TEST(Ready, QueuedWhileRunningWaitsForTheNextTurn) {
  Loop loop("test");
  LoopWait wait(loop);
  std::vector<int> order;
  TestReady second([&] {
    order.push_back(2);
    wait.Done();
  });
  TestReady first([&] {
    order.push_back(1);
    loop.Queue(second);
  });
  TestReady third([&] { order.push_back(3); });
  loop.Queue(first);
  loop.Queue(third);
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(order, (std::vector<int>{1, 3, 2}));
}

// Failed once: libevent ran the ready list again and again and never looked at a descriptor.
TEST(Ready, ThatQueuesItselfForeverLeavesOthersTheirTurn) {
  Loop loop("test");
  LoopWait wait(loop);
  int turns = 0;
  std::unique_ptr<TestReady> greedy = std::make_unique<TestReady>([&] {
    if (++turns < 1'000'000) {
      loop.Queue(*greedy);
    }
  });
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  bool readable = false;
  TestDeadline deadline([&] { wait.Done(); });
  FdWatch watch(loop, ends[0], true, false, [&](bool, bool) {
    if (!readable) {
      readable = true;
      loop.deadlines().ArmAfter(deadline, std::chrono::milliseconds(1));
    }
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
  });
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop.Queue(*greedy);
  EXPECT_TRUE(wait.Run());
  EXPECT_TRUE(readable);
  EXPECT_LT(turns, 1'000'000);
  close(ends[0]);
  close(ends[1]);
}

TEST(Ready, DestroyedWhileQueuedIsForgotten) {
  Loop loop("test");
  LoopWait wait(loop);
  auto gone = std::make_unique<TestReady>([] { FAIL(); });
  TestReady first([&] { gone.reset(); });
  TestReady last([&] { wait.Done(); });
  loop.Queue(first);
  loop.Queue(*gone);
  loop.Queue(last);
  EXPECT_TRUE(wait.Run());
}

struct Doomed {
  explicit Doomed(std::function<void()> at_end) : at_end_(std::move(at_end)) {}
  ~Doomed() { at_end_(); }
  std::function<void()> at_end_;
};

TEST(DeleteLater, DestroysAfterTheCallback) {
  Loop loop("test");
  LoopWait wait(loop);
  bool in_callback = true;
  bool destroyed = false;
  auto object = std::make_unique<Doomed>([&] {
    EXPECT_FALSE(in_callback);
    destroyed = true;
    wait.Done();
  });
  loop.Post([&] {
    loop.DeleteLater(std::move(object));
    EXPECT_FALSE(destroyed);
    in_callback = false;
  });
  EXPECT_TRUE(wait.Run());
  EXPECT_TRUE(destroyed);
}

// Failed once: the list was cleared while it grew.
TEST(DeleteLater, ADestructorMayDoomMore) {
  int destroyed = 0;
  {
    Loop loop("test");
    loop.DeleteLater(std::make_unique<Doomed>([&] {
      ++destroyed;
      for (int i = 0; i < 20; ++i) {
        loop.DeleteLater(std::make_unique<Doomed>([&] { ++destroyed; }));
      }
      loop.Post([&loop, doomed = std::make_shared<Doomed>([&] { ++destroyed; })] {});
    }));
  }
  EXPECT_EQ(destroyed, 22);
}

class Flush final : public Flushable {
 public:
  explicit Flush(std::function<void()> act) : act_(std::move(act)) {}
  void OnFlush() override { act_(); }
  std::function<void()> act_;
};

TEST(Flushable, RunsOnceWhenTheCallbackEnds) {
  Loop loop("test");
  LoopWait wait(loop);
  std::vector<std::string> order;
  Flush flush([&] { order.push_back("flush"); });
  Flush forgotten([&] { FAIL(); });
  loop.Post([&] {
    loop.QueueFlush(forgotten);
    loop.QueueFlush(flush);
    loop.QueueFlush(flush);
    loop.ForgetFlush(forgotten);
    order.push_back("task");
  });
  loop.Post([&] { loop.Post([&] { wait.Done(); }); });
  EXPECT_TRUE(wait.Run());
  EXPECT_EQ(order, (std::vector<std::string>{"task", "flush"}));
}

TEST(Flushable, ThatKeepsFlushingLeavesOthersTheirTurn) {
  Loop loop("test");
  LoopWait wait(loop);
  int flushes = 0;
  bool stop = false;
  Flush* self = nullptr;
  Flush greedy([&] {
    ++flushes;
    if (!stop) {
      loop.QueueFlush(*self);
    }
  });
  self = &greedy;
  TestDeadline deadline([&] {
    stop = true;
    wait.Done();
  });
  loop.Post([&] {
    loop.QueueFlush(greedy);
    loop.deadlines().ArmAfter(deadline, std::chrono::milliseconds(1));
  });
  EXPECT_TRUE(wait.Run());
  EXPECT_GT(flushes, 256);
}

TEST(Loop, KnowsItsLongestTask) {
  Loop loop("test");
  EXPECT_EQ(loop.longest_task(), Duration(0));
  constexpr Duration kBusy = std::chrono::milliseconds(3);
  for (const bool busy : {true, false}) {
    loop.Post([busy, kBusy] {
      for (const MonotonicTime end = MonotonicNow() + kBusy; busy && MonotonicNow() < end;) {
      }
    });
  }
  loop.Stop();
  loop.Run();
  EXPECT_GE(loop.longest_task(), kBusy);
  EXPECT_LT(loop.longest_task(), std::chrono::seconds(10));
}

}  // namespace
}  // namespace gatehouse::event
