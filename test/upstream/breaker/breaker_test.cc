// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/breaker.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gatehouse::upstream {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kGood = Verdict::kGood;
constexpr auto kFailed = Verdict::kFailed;

BreakerSettings Enabled() {
  BreakerSettings out;
  out.enabled = true;
  return out;
}

// A breaker and a clock that goes when it is told to.
class BreakerTest : public testing::Test {
 protected:
  void Use(const BreakerSettings& settings, uint32_t workers = 2) {
    breaker_ = std::make_unique<Breaker>("users", Breaker::Labels{}, settings, workers, nullptr,
                                         breaker_.get());
  }
  Breaker& breaker() { return *breaker_; }
  void Pass(Duration time) { now_ += time; }

  // A request that is let through and answered at once; false: it was turned away.
  bool Ask(Verdict verdict, bool slow = false, uint32_t worker = 0) {
    Breaker::Pass pass;
    BreakerState state;
    if (!breaker_->Admit(worker, now_, pass, state)) {
      return false;
    }
    pass.Report(worker, now_, verdict, slow);
    pass.Finish(now_);
    return true;
  }
  // `count` of them, `apart`. How many were let through.
  int Ask(int count, Verdict verdict, Duration apart = milliseconds(1), bool slow = false) {
    int admitted = 0;
    for (int i = 0; i < count; ++i) {
      admitted += Ask(verdict, slow, static_cast<uint32_t>(i % 2)) ? 1 : 0;
      Pass(apart);
    }
    return admitted;
  }
  // A request that is let through and goes on.
  Breaker::Pass* Begin() {
    passes_.emplace_back();
    BreakerState state;
    return breaker_->Admit(0, now_, passes_.back(), state) ? &passes_.back() : nullptr;
  }
  void OpenIt() {
    Ask(20, kFailed);
    Pass(milliseconds(100));
    ASSERT_FALSE(Ask(kGood));
    ASSERT_EQ(State(), "open");
  }
  std::string State() { return std::string(StateName(breaker_->View(now_).state)); }
  std::string Cause() { return Text(breaker_->View(now_).cause); }

  MonotonicTime now_{hours(100)};
  std::unique_ptr<Breaker> breaker_;
  std::deque<Breaker::Pass> passes_;  // Go before the breaker.
};

TEST_F(BreakerTest, StaysClosedWithoutEnoughRequests) {
  Use(Enabled());
  EXPECT_EQ(Ask(19, kFailed), 19);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "closed");
  EXPECT_TRUE(Ask(kFailed));
  Pass(milliseconds(100));
  EXPECT_FALSE(Ask(kGood));
  EXPECT_EQ(Cause(), "20 of 20 requests failed in 10s");
}

TEST_F(BreakerTest, OpensAtTheRatioAndNotBelow) {
  Use(Enabled());
  Ask(11, kGood);
  Ask(10, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "closed");
  Ask(1, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "11 of 22 requests failed in 10s");
}

TEST_F(BreakerTest, ARatioThatBinaryFractionsDoNotHaveIsReached) {
  BreakerSettings settings = Enabled();
  settings.error_ratio = 0.3;
  settings.min_requests = 10;
  Use(settings);
  Ask(7, kGood);
  Ask(3, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
}

TEST_F(BreakerTest, WhatHasLeftTheWindowDoesNotCount) {
  Use(Enabled());
  Ask(15, kFailed);
  Pass(seconds(11));
  Ask(15, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(breaker().View(now_).window.requests, 15u);
  Pass(seconds(5));
  Ask(5, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
}

// 10 s of 1,000 good ones a second would outweigh 5 s of failures.
TEST_F(BreakerTest, OpensWithinASecondOfTurningBadAtAnyMomentOfASlice) {
  for (int offset = 0; offset < 250; offset += 10) {
    Use(Enabled());
    now_ = MonotonicTime(hours(100) + milliseconds(offset));
    ASSERT_EQ(Ask(12'000, kGood), 12'000);
    const int admitted = Ask(2'000, kFailed);
    EXPECT_LT(admitted, 500) << offset;
    EXPECT_EQ(State(), "open");
  }
}

// A fortieth of an hour is 90 s.
TEST_F(BreakerTest, OpensWithinASecondHoweverLongTheWindowIs) {
  for (const Duration window :
       {Duration(seconds(11)), Duration(seconds(300)), Duration(hours(1))}) {
    BreakerSettings settings = Enabled();
    settings.window = window;
    Use(settings);
    Pass(hours(2) + milliseconds(40'123));
    ASSERT_EQ(Ask(60'000, kGood), 60'000);
    EXPECT_LT(Ask(2'000, kFailed), 500);
    EXPECT_EQ(State(), "open");
    EXPECT_NE(Cause().find(" requests failed in "), std::string::npos);
  }
}

TEST_F(BreakerTest, ALongWindowIsJudgedAsAWholeToo) {
  BreakerSettings settings = Enabled();
  settings.window = hours(1);
  Use(settings);
  Ask(10, kFailed, seconds(120));
  Ask(10, kGood, seconds(120));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "10 of 20 requests failed in 1h");
}

TEST_F(BreakerTest, TheLatestPartNeedsFiveTimesAsManyResults) {
  Use(Enabled());
  Ask(400, kGood, milliseconds(10));
  Ask(49, kFailed, milliseconds(10));
  EXPECT_EQ(State(), "closed");
  Ask(30, kFailed, milliseconds(10));
  EXPECT_EQ(State(), "open");
  EXPECT_NE(Cause().find(" requests failed in 1"), std::string::npos) << Cause();
}

TEST_F(BreakerTest, ASteadyRateBelowTheRatioNeverOpensIt) {
  Use(Enabled());
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_TRUE(Ask(i % 10 < 4 ? kFailed : kGood)) << i;
    Pass(milliseconds(1));
  }
}

TEST_F(BreakerTest, CountsErrorsWhereAsked) {
  BreakerSettings settings = Enabled();
  settings.error_ratio = 0;
  settings.error_count = 5;
  Use(settings);
  Ask(1000, kGood);
  Ask(4, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "closed");
  Ask(1, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
  Pass(seconds(10));
  EXPECT_EQ(Ask(1, kFailed) + Ask(2, kGood), 3);
  EXPECT_EQ(State(), "open") << "one failed trial is too many where errors are counted";
}

TEST_F(BreakerTest, SlowOnesOpenIt) {
  BreakerSettings settings = Enabled();
  settings.slow_after = seconds(1);
  settings.slow_ratio = 0.4;
  Use(settings);
  Ask(12, kGood);
  Ask(8, kGood, milliseconds(1), true);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "8 of 20 requests took longer than 1s in 10s");
  Pass(seconds(10));
  EXPECT_EQ(Ask(3, kGood, milliseconds(1), true), 3);
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "3 of 3 trials took longer than 1s");
}

TEST_F(BreakerTest, AGoodResultThatBreaksOffIsAFailure) {
  Use(Enabled());
  for (int i = 0; i < 20; ++i) {
    Breaker::Pass* pass = Begin();
    ASSERT_NE(pass, nullptr);
    pass->Report(0, now_, kGood, false);
    EXPECT_TRUE(pass->open());
    EXPECT_FALSE(pass->pending());
    pass->Report(0, now_, kFailed, false);
    pass->Report(0, now_, kFailed, false);  // Said already.
    EXPECT_FALSE(pass->open());
  }
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "20 of 20 requests failed in 10s");
}

TEST_F(BreakerTest, WithoutAResultNothingIsCounted) {
  Use(Enabled());
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(Ask(Verdict::kNone));
  }
  Breaker::Pass* pass = Begin();
  pass->End();
  pass->Report(0, now_, kFailed, false);
  EXPECT_EQ(breaker().View(now_).window.results(), 0u);
}

TEST_F(BreakerTest, HalfOpensAfterItsTimeAndClosesWhenTrialsGoWell) {
  Use(Enabled());
  OpenIt();
  EXPECT_EQ(breaker().RetryAfter(now_), seconds(10) - milliseconds(0));
  Pass(milliseconds(9999));
  EXPECT_FALSE(Ask(kGood));
  Pass(milliseconds(1));
  Breaker::Pass* one = Begin();
  Breaker::Pass* two = Begin();
  Breaker::Pass* three = Begin();
  ASSERT_TRUE(one != nullptr && two != nullptr && three != nullptr);
  EXPECT_EQ(Begin(), nullptr) << "exactly three";
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(breaker().View(now_).trials_out, 3u);
  one->Report(0, now_, kGood, false);
  one->Finish(now_);
  two->Report(1, now_, kFailed, false);
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(Begin(), nullptr) << "a place that was used is not free again";
  three->Report(0, now_, kGood, false);
  three->Finish(now_);
  EXPECT_EQ(State(), "closed") << "1 of 3 is less than half";
  EXPECT_EQ(breaker().View(now_).window.results(), 0u) << "it begins anew";
  EXPECT_TRUE(Ask(kGood));
}

TEST_F(BreakerTest, OpensAgainWhenTrialsFailTwiceAsLongEachTime) {
  BreakerSettings settings = Enabled();
  settings.max_open_for = seconds(35);
  Use(settings);
  OpenIt();
  for (const int wait : {10, 20, 35, 35}) {
    Pass(seconds(wait) - milliseconds(1));
    EXPECT_FALSE(Ask(kFailed)) << wait;
    Pass(milliseconds(1));
    EXPECT_EQ(Ask(3, kFailed, Duration(0)), 3) << wait;
    EXPECT_EQ(State(), "open");
    EXPECT_EQ(Cause(), "3 of 3 trials failed");
  }
  Pass(seconds(35));
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3);
  EXPECT_EQ(State(), "closed");
  OpenIt();
  Pass(seconds(10));
  EXPECT_TRUE(Ask(kGood)) << "the first time is the shortest again";
}

TEST_F(BreakerTest, JitterAddsAPartOfTheTime) {
  BreakerSettings settings = Enabled();
  settings.jitter = 0.5;
  std::set<int64_t> lengths;
  for (int i = 0; i < 50; ++i) {
    Use(settings);
    now_ += milliseconds(37);
    OpenIt();
    const Duration left = breaker().View(now_).left;
    EXPECT_GE(left, seconds(10) - milliseconds(200));
    EXPECT_LE(left, seconds(15));
    EXPECT_EQ(left % milliseconds(1), Duration(0)) << "a time for people";
    lengths.insert(left.count());
  }
  EXPECT_GT(lengths.size(), 40u);
}

TEST_F(BreakerTest, ATrialWithoutAResultGivesItsPlaceBack) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Ask(Verdict::kNone)) << i;
  }
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(breaker().View(now_).trials_left, 3u);
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3);
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(breaker().Totals().trials_void, 3u);
}

// Clients that reset would let everybody through to an endpoint that hangs.
TEST_F(BreakerTest, NoMorePlacesAreGivenBackThanThereAre) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  int tried = 0;
  for (int i = 0; i < 60; ++i) {
    tried += Ask(Verdict::kNone) ? 1 : 0;
    Pass(milliseconds(30));
  }
  EXPECT_EQ(tried, 6);
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(breaker().View(now_).trials_out, 0u);
  Pass(seconds(10));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "no trial had a result in 10s");
  Pass(seconds(10));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(Ask(Verdict::kNone)) << i;
  }
  EXPECT_TRUE(Ask(kGood));
  EXPECT_FALSE(Ask(kGood)) << "two places are lost";
  EXPECT_EQ(State(), "half_open");
  Pass(seconds(10));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(Cause(), "1 of 1 trials went well");
}

TEST_F(BreakerTest, TheTimeOfTrialsBeginsWhenTheLastPlaceIsTaken) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  EXPECT_EQ(State(), "half_open");
  Pass(seconds(13));
  Breaker::Pass* one = Begin();
  Pass(seconds(9));
  Breaker::Pass* two = Begin();
  Breaker::Pass* three = Begin();
  ASSERT_TRUE(one != nullptr && two != nullptr && three != nullptr);
  EXPECT_EQ(Begin(), nullptr);
  EXPECT_EQ(State(), "half_open") << "they have just begun";
  one->Report(0, now_, kGood, false);
  one->Finish(now_);
  EXPECT_EQ(Begin(), nullptr);
  EXPECT_EQ(State(), "half_open") << "two are under way";
  Pass(milliseconds(9999));
  EXPECT_EQ(State(), "half_open");
  Pass(milliseconds(1));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(Cause(), "1 of 1 trials went well");
}

TEST_F(BreakerTest, ATrialThatBreaksOffHasFailed) {
  BreakerSettings settings = Enabled();
  settings.max_open_for = seconds(20);
  Use(settings);
  OpenIt();
  for (const int wait : {10, 20}) {
    Pass(seconds(wait));
    std::vector<Breaker::Pass*> trials{Begin(), Begin(), Begin()};
    for (Breaker::Pass* trial : trials) {
      ASSERT_NE(trial, nullptr);
      trial->Report(0, now_, kGood, false);
      EXPECT_FALSE(trial->pending());
    }
    Pass(milliseconds(20));
    EXPECT_EQ(State(), "half_open") << "heads alone decide nothing yet";
    EXPECT_EQ(breaker().View(now_).trials_out, 3u);
    for (Breaker::Pass* trial : trials) {
      trial->Report(0, now_, kFailed, false);
    }
    EXPECT_EQ(State(), "open");
    EXPECT_EQ(Cause(), "3 of 3 trials failed");
  }
  EXPECT_EQ(breaker().Totals().closed, 0u);
  EXPECT_EQ(breaker().View(now_).left, seconds(20)) << "it went on doubling";
}

TEST_F(BreakerTest, LongResponsesOfTrialsCountAfterASecond) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  Breaker::Pass* one = Begin();
  Breaker::Pass* two = Begin();
  one->Report(0, now_, kGood, false);
  two->Report(0, now_, kGood, false);
  Pass(seconds(2));
  EXPECT_EQ(State(), "half_open") << "there is a place";
  Breaker::Pass* three = Begin();
  Pass(seconds(2));
  three->Report(0, now_, kGood, false);
  Pass(milliseconds(999));
  EXPECT_FALSE(Ask(kGood));
  Pass(milliseconds(1));
  EXPECT_TRUE(Ask(kGood));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(Cause(), "3 of 3 trials went well");
  one->Report(0, now_, kFailed, false);
  EXPECT_EQ(breaker().View(now_).window.failed, 0u) << "of a phase that is over";
}

TEST_F(BreakerTest, ALongResponseCountsWhenTheTimeOfTrialsIsOver) {
  BreakerSettings settings = Enabled();
  settings.trial_timeout = milliseconds(500);
  Use(settings);
  OpenIt();
  Pass(seconds(10));
  Breaker::Pass* one = Begin();
  ASSERT_TRUE(Begin() && Begin());
  one->Report(0, now_, kGood, false);
  Pass(milliseconds(499));
  EXPECT_EQ(State(), "half_open");
  Pass(milliseconds(1));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(Cause(), "1 of 1 trials went well");
}

TEST_F(BreakerTest, ATrialThatWasSlowAndBreaksOffHasFailed) {
  BreakerSettings settings = Enabled();
  settings.slow_after = seconds(1);
  settings.slow_ratio = 1;
  Use(settings);
  OpenIt();
  Pass(seconds(10));
  Breaker::Pass* one = Begin();
  Breaker::Pass* two = Begin();
  one->Report(0, now_, kGood, true);
  two->Report(0, now_, kGood, true);
  one->Report(0, now_, kFailed, false);
  two->Report(0, now_, kFailed, false);
  EXPECT_TRUE(Ask(kGood));
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "2 of 3 trials failed");
}

TEST_F(BreakerTest, TrialsThatNeverEndDoNotWedgeIt) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  ASSERT_TRUE(Begin() && Begin() && Begin());
  Pass(milliseconds(9999));
  EXPECT_EQ(Begin(), nullptr);
  Pass(milliseconds(1));
  EXPECT_EQ(Begin(), nullptr);
  EXPECT_EQ(State(), "open");
  EXPECT_EQ(Cause(), "no trial had a result in 10s");
  Pass(seconds(10));
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3);
  EXPECT_EQ(State(), "closed");
  for (Breaker::Pass& late : passes_) {
    late.Report(0, now_, kFailed, false);  // Of a phase that is over.
  }
  EXPECT_EQ(State(), "closed");
}

TEST_F(BreakerTest, TrialsThatHaveAResultInTimeDecide) {
  Use(Enabled());
  OpenIt();
  Pass(seconds(10));
  ASSERT_TRUE(Begin() && Begin());
  EXPECT_TRUE(Ask(kGood));
  Pass(seconds(10));
  EXPECT_TRUE(Ask(kGood)) << "closed: the one that came back went well";
  EXPECT_EQ(State(), "closed");
}

TEST_F(BreakerTest, WhatBeganBeforeAChangeDoesNotCountAfterIt) {
  Use(Enabled());
  std::vector<Breaker::Pass*> early;
  for (int i = 0; i < 100; ++i) {
    early.push_back(Begin());
  }
  OpenIt();
  Pass(seconds(10));
  for (int i = 0; i < 50; ++i) {
    early[static_cast<size_t>(i)]->Report(0, now_, kGood, false);
  }
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3) << "none of them took the place of a trial";
  EXPECT_EQ(State(), "closed");
  for (int i = 50; i < 100; ++i) {
    early[static_cast<size_t>(i)]->Report(0, now_, kFailed, false);
  }
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(breaker().View(now_).window.results(), 0u);
}

TEST_F(BreakerTest, AClockThatJumpsDoesNotWedgeIt) {
  Use(Enabled());
  OpenIt();
  Pass(-hours(50));
  EXPECT_TRUE(Ask(kGood)) << "back: the wait is over";
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(Ask(2, kGood, Duration(0)), 2);
  EXPECT_EQ(State(), "closed");
  Ask(20, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open");
  Pass(hours(1000));
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3) << "ahead";
  Ask(20, kFailed);
  Pass(-hours(10));
  Ask(20, kFailed);
  Pass(milliseconds(200));
  EXPECT_EQ(State(), "open") << "counted again at once, after having gone back";
}

TEST_F(BreakerTest, AClockThatStandsLetsItOpen) {
  Use(Enabled());
  EXPECT_EQ(Ask(1000, kFailed, Duration(0)), 1000);
  EXPECT_EQ(State(), "open") << "whoever looks sees it";
  EXPECT_EQ(Ask(1000, kFailed, Duration(0)), 0);
}

TEST_F(BreakerTest, CommandsHoldUntilTheyEnd) {
  Use(Enabled());
  breaker().Command(BreakerCommand::kOpen, Duration(0), now_);
  Pass(hours(5));
  EXPECT_FALSE(Ask(kGood));
  EXPECT_TRUE(breaker().View(now_).endless);
  EXPECT_EQ(breaker().RetryAfter(now_), seconds(1));
  breaker().Command(BreakerCommand::kAuto, Duration(0), now_);
  EXPECT_EQ(State(), "half_open");
  EXPECT_EQ(Cause(), "a command has ended");
  EXPECT_EQ(Ask(3, kGood, Duration(0)), 3);
  EXPECT_EQ(State(), "closed");

  breaker().Command(BreakerCommand::kOpen, seconds(30), now_);
  Pass(milliseconds(29'999));
  EXPECT_FALSE(Ask(kGood));
  Pass(milliseconds(1));
  EXPECT_TRUE(Ask(kGood));
  EXPECT_EQ(State(), "half_open");

  breaker().Command(BreakerCommand::kClose, seconds(30), now_);
  EXPECT_EQ(Ask(200, kFailed, milliseconds(100)), 200) << "held closed, whatever comes";
  EXPECT_EQ(State(), "closed");
  EXPECT_TRUE(breaker().View(now_).manual);
  Pass(seconds(10));
  EXPECT_EQ(State(), "closed");
  EXPECT_FALSE(breaker().View(now_).manual);
  OpenIt();
  breaker().Command(BreakerCommand::kAuto, Duration(0), now_);
  EXPECT_EQ(State(), "open") << "it was automatic already";
}

TEST_F(BreakerTest, TotalsGoOnUnderOtherSettings) {
  Use(Enabled());
  OpenIt();
  EXPECT_FALSE(Ask(kGood));
  BreakerSettings other = Enabled();
  other.min_requests = 5;
  Use(other);
  EXPECT_EQ(State(), "closed");
  EXPECT_EQ(breaker().Totals().opened, 1u);
  EXPECT_EQ(breaker().Totals().rejected, 2u);
}

TEST(FailureRules, WhatCountsAsAnError) {
  const FailureRules rules;
  for (const int status : {500, 502, 503, 504, 599}) {
    EXPECT_EQ(rules.Of(static_cast<uint16_t>(status)), kFailed) << status;
  }
  for (const int status : {101, 200, 304, 400, 404, 429, 501, 505}) {
    EXPECT_EQ(rules.Of(static_cast<uint16_t>(status)), kGood) << status;
  }
  for (const ErrorCode code :
       {ErrorCode::kConnectFailed, ErrorCode::kConnectTimeout, ErrorCode::kResponseTimeout,
        ErrorCode::kUpstreamReset, ErrorCode::kMalformedResponse}) {
    EXPECT_EQ(rules.Of(code), kFailed);
  }
  for (const ErrorCode code : {ErrorCode::kClientGone, ErrorCode::kOverloaded,
                               ErrorCode::kNoEndpoint, ErrorCode::kRequestTimeout}) {
    EXPECT_EQ(rules.Of(code), Verdict::kNone);
  }
}

}  // namespace
}  // namespace gatehouse::upstream
