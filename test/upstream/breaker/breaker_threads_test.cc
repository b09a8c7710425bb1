// SPDX-License-Identifier: Apache-2.0
// A breaker that many workers ask at once: exactly as many requests try as may.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "source/upstream/breaker/breaker.h"

namespace gatehouse::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kThreads = 4;

template <typename Work>
void Together(Work work) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&work, i] { work(i); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

BreakerSettings Settings(uint32_t trials) {
  BreakerSettings out;
  out.enabled = true;
  out.half_open_requests = trials;
  return out;
}

TEST(BreakerThreads, ExactlyTheHalfOpenNumberTriesInEachPhase) {
  constexpr uint32_t kTrials = 7;
  Breaker breaker("users", {}, Settings(kTrials), kThreads, nullptr, nullptr);
  MonotonicTime now(std::chrono::hours(1));
  breaker.Command(BreakerCommand::kOpen, seconds(1), now);
  for (int phase = 0; phase < 200; ++phase) {
    now += seconds(10);
    std::atomic<uint32_t> tried{0};
    Together([&](uint32_t worker) {
      std::vector<std::unique_ptr<Breaker::Pass>> passes;
      for (int i = 0; i < 50; ++i) {
        auto pass = std::make_unique<Breaker::Pass>();
        BreakerState state;
        if (breaker.Admit(worker, now, *pass, state)) {
          ++tried;
          passes.push_back(std::move(pass));
        }
      }
      for (auto& pass : passes) {
        pass->Report(worker, now, Verdict::kFailed, false);
      }
    });
    ASSERT_EQ(tried, kTrials) << phase;
    ASSERT_EQ(breaker.View(now).state, BreakerState::kOpen) << phase;
  }
  EXPECT_EQ(breaker.Totals().trials_failed, 200u * kTrials);
  EXPECT_EQ(breaker.Totals().rejected, 200u * (50 * kThreads - kTrials));
}

TEST(BreakerThreads, PlacesThatAreGivenBackAreTakenOnceMoreAndNeverTwice) {
  constexpr uint32_t kTrials = BreakerSettings::kMaxTrials;
  Breaker breaker("users", {}, Settings(kTrials), kThreads, nullptr, nullptr);
  MonotonicTime now(std::chrono::hours(1));
  breaker.Command(BreakerCommand::kOpen, seconds(1), now);
  now += seconds(2);
  std::atomic<uint32_t> tried{0};
  Together([&](uint32_t worker) {
    for (int i = 0; i < 20'000; ++i) {
      Breaker::Pass pass;
      BreakerState state;
      if (breaker.Admit(worker, now, pass, state)) {
        ++tried;
      }
    }
  });
  EXPECT_EQ(tried, 2 * kTrials);
  const BreakerView view = breaker.View(now);
  EXPECT_EQ(view.state, BreakerState::kHalfOpen);
  EXPECT_EQ(view.trials_left, 0u);
  EXPECT_EQ(view.trials_out, 0u);
  EXPECT_EQ(view.totals.trials_void, 2 * kTrials);
}

TEST(BreakerThreads, AllAtOnce) {
  BreakerSettings settings = Settings(3);
  settings.window = milliseconds(400);
  settings.open_for = settings.max_open_for = milliseconds(50);
  settings.trial_timeout = milliseconds(50);
  Breaker breaker("users", {}, settings, kThreads, nullptr, nullptr);
  std::atomic<int64_t> clock{0};
  std::atomic<uint32_t> working{kThreads};
  std::thread operators([&] {
    for (uint64_t i = 0; working > 0; ++i) {
      const MonotonicTime now(std::chrono::hours(1) + Duration(clock.load()));
      (void)breaker.View(now);
      if (i % 64 == 0) {
        breaker.Command(static_cast<BreakerCommand>(i / 64 % 3), milliseconds(20), now);
      }
      std::this_thread::yield();
    }
  });
  Together([&](uint32_t worker) {
    for (int i = 0; i < 50'000; ++i) {
      const MonotonicTime now(std::chrono::hours(1) +
                              Duration(clock.fetch_add(20'000, std::memory_order_relaxed)));
      Breaker::Pass pass;
      BreakerState state;
      if (breaker.Admit(worker, now, pass, state) && i % 7 != 0) {
        pass.Report(worker, now, i / 1000 % 2 == 0 ? Verdict::kFailed : Verdict::kGood, false);
      }
    }
    --working;
  });
  operators.join();
  // Whatever has happened, it goes on.
  MonotonicTime now(std::chrono::hours(1) + Duration(clock.load()) + seconds(10));
  breaker.Command(BreakerCommand::kOpen, milliseconds(1), now);
  now += seconds(1);
  for (int i = 0; i < 3; ++i) {
    Breaker::Pass pass;
    BreakerState state;
    ASSERT_TRUE(breaker.Admit(0, now, pass, state));
    pass.Report(0, now, Verdict::kGood, false);
  }
  EXPECT_EQ(breaker.View(now).state, BreakerState::kClosed);
}

}  // namespace
}  // namespace gatehouse::upstream
