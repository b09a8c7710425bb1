// SPDX-License-Identifier: Apache-2.0
// A breaker against a model of it that is slow and plain: a list of all results, one thread, no
// packed words. Random requests, results, times and commands must lead both to the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <vector>

#include "source/upstream/breaker/breaker.h"

namespace gatehouse::upstream {
namespace {

using std::chrono::milliseconds;

struct Result {
  int64_t at;
  bool failed;
  bool slow;
};

class Model {
 public:
  explicit Model(const BreakerSettings& settings) : settings_(settings) {}

  // The phase that a request is let through in; 0: it is not.
  int Admit(int64_t now) {
    if (state_ != BreakerState::kClosed || now - looked_ >= 100'000'000) {
      Look(now, state_ == BreakerState::kClosed || now - looked_ >= 100'000'000);
    }
    if (state_ == BreakerState::kClosed) {
      return phase_;
    }
    if (state_ == BreakerState::kHalfOpen && places_ > 0) {
      --places_;
      ++tried_;
      taken_ = now;
      return phase_;
    }
    return 0;
  }
  // Whether its result is to be told at its end.
  bool Answer(int phase, int64_t now, bool failed, bool slow) {
    if (phase != phase_ || state_ != BreakerState::kHalfOpen || failed || slow) {
      return false;
    }
    ++answering_;
    answered_ = now;
    LookOnTrials(now);
    return true;
  }
  // Of one that is answering.
  void EndAnswer(int phase, int64_t now, bool failed) {
    if (phase == phase_) {
      --answering_;
      Report(phase, now, failed, false);
    }
  }
  void Report(int phase, int64_t now, bool failed, bool slow) {
    if (phase != phase_) {
      return;
    }
    results_.push_back({now, failed, slow});
    if (state_ == BreakerState::kHalfOpen) {
      LookOnTrials(now);
    } else if ((failed || slow) && now - looked_ >= 100'000'000) {
      Look(now, true);
    }
  }
  void GiveBack(int phase) {
    if (phase == phase_ && state_ == BreakerState::kHalfOpen) {
      if (++none_ <= settings_.half_open_requests) {
        ++places_;
        --tried_;
      }
    }
  }
  void Command(BreakerCommand command, int64_t lasting, int64_t now) {
    if (command != BreakerCommand::kAuto) {
      reopened_ = 0;
      Become(command == BreakerCommand::kOpen ? BreakerState::kOpen : BreakerState::kClosed);
      manual_ = true;
      until_ = lasting == 0 ? INT64_MAX : now + lasting;
    } else if (manual_ && state_ == BreakerState::kOpen) {
      HalfOpen();
    } else if (manual_) {
      Close();
    }
  }
  BreakerState state() const { return state_; }
  uint32_t tried() const { return tried_; }

 private:
  void Look(int64_t now, bool closed_too) {
    if (state_ == BreakerState::kHalfOpen && !closed_too && places_ > 0) {
      return;
    }
    if (state_ == BreakerState::kOpen && !closed_too && now < until_) {
      return;
    }
    looked_ = now;
    if (manual_) {
      if (now >= until_) {
        state_ == BreakerState::kClosed ? Close() : HalfOpen();
      }
    } else if (state_ == BreakerState::kOpen) {
      if (now >= until_) {
        HalfOpen();
      }
    } else if (state_ == BreakerState::kHalfOpen) {
      if (TrialsOver(now)) {
        JudgeTrials(now);
      }
    } else {
      Judge(now);
    }
  }
  void Judge(int64_t now) {
    const int64_t width = settings_.window.count() / 40;
    for (int64_t slices = 1; slices <= 40; ++slices) {
      size_t all = 0;
      size_t failed = 0;
      size_t slow = 0;
      for (const Result& one : results_) {
        if (now / width - one.at / width < slices) {
          ++all;
          failed += one.failed ? 1 : 0;
          slow += one.slow ? 1 : 0;
        }
      }
      const bool recent = all >= size_t{5} * settings_.min_requests && !recent_judged_;
      recent_judged_ = recent_judged_ || recent;
      if ((recent || (slices == 40 && all >= settings_.min_requests)) &&
          (failed * 10 >= all * 5 || slow * 10 >= all * 8)) {
        Open(now);
        break;
      }
    }
    recent_judged_ = false;
  }
  bool TrialsOver(int64_t now) const {
    const size_t all = settings_.half_open_requests;
    return results_.size() == all ||
           (results_.size() + answering_ == all && now - answered_ >= 1'000'000'000) ||
           (places_ == 0 && now - taken_ >= settings_.trial_timeout.count());
  }
  void LookOnTrials(int64_t now) {
    if (TrialsOver(now)) {
      looked_ = now;
      JudgeTrials(now);
    }
  }
  void JudgeTrials(int64_t now) {
    const size_t all = results_.size() + answering_;
    const auto failed = static_cast<size_t>(std::count_if(
        results_.begin(), results_.end(), [](const Result& one) { return one.failed; }));
    const auto slow = static_cast<size_t>(std::count_if(
        results_.begin(), results_.end(), [](const Result& one) { return one.slow; }));
    if (all == 0 || failed * 10 >= all * 5 || slow * 10 >= all * 8) {
      ++reopened_;
      Open(now);
    } else {
      Close();
    }
  }
  void Open(int64_t now) {
    int64_t length = settings_.open_for.count();
    for (int i = 0; i < reopened_; ++i) {
      length = std::min(length * 2, settings_.max_open_for.count());
    }
    until_ = now + length;
    Become(BreakerState::kOpen);
  }
  void HalfOpen() {
    Become(BreakerState::kHalfOpen);
    places_ = settings_.half_open_requests;
    tried_ = none_ = answering_ = 0;
  }
  void Close() {
    reopened_ = 0;
    Become(BreakerState::kClosed);
  }
  void Become(BreakerState state) {
    state_ = state;
    manual_ = false;
    results_.clear();
    ++phase_;
  }

  const BreakerSettings settings_;
  BreakerState state_ = BreakerState::kClosed;
  int phase_ = 1;
  std::vector<Result> results_;  // Of this phase.
  int64_t until_ = 0;
  int64_t looked_ = 0;
  bool manual_ = false;
  bool recent_judged_ = false;
  uint32_t places_ = 0;
  uint32_t tried_ = 0;
  uint32_t none_ = 0;
  uint32_t answering_ = 0;
  int64_t taken_ = 0;
  int64_t answered_ = 0;
  int reopened_ = 0;
};

struct Flying {
  std::unique_ptr<Breaker::Pass> pass = std::make_unique<Breaker::Pass>();
  int phase = 0;
  bool answering = false;
};

class Course {
 public:
  explicit Course(uint32_t seed) : random_(seed) {
    settings_.enabled = true;
    settings_.min_requests = 1 + Draw(8);
    settings_.window = milliseconds(400 * (1 + Draw(10)));
    settings_.open_for = milliseconds(100 + Draw(1000));
    settings_.max_open_for = settings_.open_for * (1 + Draw(4));
    settings_.trial_timeout = milliseconds(100 + Draw(1000));
    settings_.half_open_requests = 1 + Draw(5);
    settings_.slow_after = milliseconds(1);
    settings_.slow_ratio = 0.8;
    model_ = std::make_unique<Model>(settings_);
    breaker_ = std::make_unique<Breaker>("c", Breaker::Labels{}, settings_, 3, nullptr, nullptr);
  }

  void Step() {
    const uint32_t what = Draw(100);
    if (Draw(300) == 0) {
      badness_ = Draw(101);
    }
    if (what < 45) {
      Begin();
    } else if (what < 85 && !flying_.empty()) {
      Finish();
    } else if (what < 99) {
      now_ += milliseconds(Draw(Draw(20) == 0 ? 1500 : 40)) + Duration(Draw(1000));
    } else if (Draw(5) == 0) {
      Command();
    }
    ASSERT_EQ(breaker_->state(), model_->state());
    ASSERT_LE(model_->tried(), settings_.half_open_requests);
  }
  int rejected() const { return rejected_; }
  int admitted() const { return admitted_; }

 private:
  uint32_t Draw(uint32_t below) { return static_cast<uint32_t>(random_() % below); }
  void Begin() {
    Flying one;
    BreakerState state;
    const bool admitted = breaker_->Admit(Draw(3), now_, *one.pass, state);
    one.phase = model_->Admit(now_.time_since_epoch().count());
    ASSERT_EQ(admitted, one.phase != 0);
    if (admitted) {
      flying_.push_back(std::move(one));
    }
    ++(admitted ? admitted_ : rejected_);
  }
  void Finish() {
    const auto at = std::next(flying_.begin(), Draw(static_cast<uint32_t>(flying_.size())));
    if (at->answering) {
      const bool broke_off = Draw(100) < badness_;
      if (broke_off) {
        at->pass->Report(Draw(3), now_, Verdict::kFailed, false);
      } else {
        at->pass->Finish(now_);
      }
      model_->EndAnswer(at->phase, now_.time_since_epoch().count(), broke_off);
    } else if (Draw(10) == 0) {
      at->pass->End();
      model_->GiveBack(at->phase);
    } else {
      const bool failed = Draw(100) < badness_;
      const bool slow = Draw(100) < badness_;
      at->pass->Report(Draw(3), now_, failed ? Verdict::kFailed : Verdict::kGood, slow);
      const int64_t now = now_.time_since_epoch().count();
      at->answering = model_->Answer(at->phase, now, failed, slow);
      if (at->answering) {
        return;
      }
      model_->Report(at->phase, now, failed, slow);
    }
    flying_.erase(at);
  }
  void Command() {
    const auto command = static_cast<BreakerCommand>(Draw(3));
    const Duration lasting = milliseconds(Draw(2) == 0 ? 0 : Draw(2000) + 1);
    breaker_->Command(command, lasting, now_);
    model_->Command(command, lasting.count(), now_.time_since_epoch().count());
  }

  std::mt19937 random_;
  BreakerSettings settings_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Breaker> breaker_;
  std::list<Flying> flying_;  // Goes before the breaker.
  MonotonicTime now_{std::chrono::hours(7)};
  uint32_t badness_ = 20;
  int rejected_ = 0;
  int admitted_ = 0;
};

TEST(BreakerModel, RandomEventsLeadBothToTheSame) {
  int rejected = 0;
  int admitted = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Course run(seed);
    for (int i = 0; i < 5'000; ++i) {
      SCOPED_TRACE(i);
      run.Step();
      if (testing::Test::HasFatalFailure()) {
        return;
      }
    }
    rejected += run.rejected();
    admitted += run.admitted();
  }
  EXPECT_GT(rejected, 10'000);  // The runs have been through all of it.
  EXPECT_GT(admitted, 10'000);
}

}  // namespace
}  // namespace gatehouse::upstream
