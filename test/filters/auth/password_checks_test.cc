// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/password_checks.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/pipeline/no_services.h"

namespace gatehouse::filters {
namespace {

const std::string kHash = "{SHA}z0jT3TdveclVlHs5WCpg5cPeIe8=";  // Of "shapass".

// A background that waits for the test.
class Waiting final : public pipeline::NoServices {
 public:
  struct Job {
    std::function<void()> work;
    std::function<void()> done;
    bool cancelled = false;
    bool worked = false;
  };
  class Call final : public pipeline::Pending {
   public:
    explicit Call(std::shared_ptr<Job> job) : job_(std::move(job)) {}
    ~Call() override { job_->cancelled = true; }

   private:
    std::shared_ptr<Job> job_;
  };

  std::unique_ptr<pipeline::Pending> Background(std::function<void()> work,
                                                std::function<void()> done) override {
    jobs.push_back(std::make_shared<Job>(Job{std::move(work), std::move(done)}));
    return std::make_unique<Call>(jobs.back());
  }
  // As the pool and then the worker would.
  void Work(size_t job) { jobs[job]->work(), jobs[job]->worked = true; }
  void Done(size_t job) {
    if (!jobs[job]->cancelled) {
      jobs[job]->done();
    }
  }
  void Run(size_t job) { Work(job), Done(job); }

  std::vector<std::shared_ptr<Job>> jobs;
};

struct Asker final : PasswordWait {
  void OnChecked(bool matches) override {
    answer = matches;
    if (then) {
      then();
    }
  }
  std::optional<bool> answer;
  std::function<void()> then;
};

class PasswordChecksTest : public testing::Test {
 protected:
  using Asked = PasswordChecks::Asked;
  // Passwords of one letter; "s" stands for the right one.
  Asked Ask(std::string_view password, PasswordWait& wait) {
    Sha256Digest digest{};
    digest[0] = static_cast<uint8_t>(password[0]);
    return checks.Ask(digest, password == "s" ? "shapass" : password, kHash, wait, services);
  }

  Waiting services;
  std::atomic<uint32_t> under_way{0};
  PasswordChecks checks{under_way, 3};
};

TEST_F(PasswordChecksTest, RightAndWrong) {
  Asker right;
  EXPECT_EQ(Ask("s", right), Asked::kNew);
  EXPECT_EQ(right.answer, std::nullopt);
  services.Run(0);
  EXPECT_EQ(right.answer, true);
  Asker wrong;
  EXPECT_EQ(Ask("x", wrong), Asked::kNew);
  services.Run(1);
  EXPECT_EQ(wrong.answer, false);
  EXPECT_EQ(under_way, 0U);
}

TEST_F(PasswordChecksTest, TheSameQuestionIsAskedOnce) {
  Asker askers[5];
  EXPECT_EQ(Ask("s", askers[0]), Asked::kNew);
  for (int i = 1; i < 5; ++i) {
    EXPECT_EQ(Ask("s", askers[i]), Asked::kJoined);
  }
  ASSERT_EQ(services.jobs.size(), 1U);
  services.Run(0);
  for (const Asker& asker : askers) {
    EXPECT_EQ(asker.answer, true);
  }
  EXPECT_EQ(services.jobs.size(), 1U);
}

TEST_F(PasswordChecksTest, OneAtATimeInTheirOrder) {
  Asker a;
  Asker b;
  Asker s;
  Ask("a", a);
  Ask("b", b);
  Ask("s", s);
  ASSERT_EQ(services.jobs.size(), 1U) << "the others wait here, not in the pool";
  services.Run(0);
  EXPECT_EQ(a.answer, false);
  ASSERT_EQ(services.jobs.size(), 2U);
  services.Run(1);
  EXPECT_EQ(b.answer, false);
  services.Run(2);
  EXPECT_EQ(s.answer, true);
}

TEST_F(PasswordChecksTest, NoMoreThanTheLimitWait) {
  Asker askers[4];
  Ask("a", askers[0]);
  Ask("b", askers[1]);
  Ask("c", askers[2]);
  EXPECT_EQ(Ask("d", askers[3]), Asked::kTooMany);
  Asker joins;
  EXPECT_EQ(Ask("c", joins), Asked::kJoined);
  EXPECT_EQ(under_way, 3U);
  services.Run(0);
  EXPECT_EQ(Ask("d", askers[3]), Asked::kNew);
}

TEST_F(PasswordChecksTest, WhoLeavesIsNotAnswered) {
  Asker stays;
  {
    Asker leaves;
    Ask("s", leaves);
    Ask("s", stays);
  }
  services.Run(0);
  EXPECT_EQ(stays.answer, true);
}

TEST_F(PasswordChecksTest, AQuestionThatNobodyAsksAnyMoreIsDropped) {
  {
    Asker leaves;
    Asker queued;
    Ask("a", leaves);
    Ask("b", queued);
  }
  EXPECT_EQ(under_way, 0U);
  EXPECT_TRUE(services.jobs[0]->cancelled);
  EXPECT_EQ(services.jobs.size(), 1U);
  services.Run(0);  // It hashes nothing, and tells nobody.
  Asker next;
  EXPECT_EQ(Ask("s", next), Asked::kNew);
  services.Run(1);
  EXPECT_EQ(next.answer, true);
}

TEST_F(PasswordChecksTest, WhatRunsForNobodyDoesNotHoldUpWhoWaitsBehind) {
  auto leaves = std::make_unique<Asker>();
  Asker waits;
  Ask("a", *leaves);
  Ask("s", waits);
  leaves = nullptr;
  EXPECT_FALSE(services.jobs[0]->cancelled);
  services.Run(0);
  services.Run(1);
  EXPECT_EQ(waits.answer, true);
}

TEST_F(PasswordChecksTest, WhoAsksAgainForWhatWasSkippedIsAnswered) {
  auto leaves = std::make_unique<Asker>();
  Asker behind;
  Ask("s", *leaves);
  Ask("b", behind);
  leaves = nullptr;
  services.Work(0);  // Skipped: nobody wants it.
  Asker again;
  EXPECT_EQ(Ask("s", again), Asked::kJoined);
  services.Done(0);
  EXPECT_EQ(again.answer, std::nullopt);
  services.Run(1);
  EXPECT_EQ(again.answer, true);
  services.Run(2);
  EXPECT_EQ(behind.answer, false);
  EXPECT_EQ(under_way, 0U);
}

TEST_F(PasswordChecksTest, AnAnswerMayTakeOthersDown) {
  Asker first;
  auto second = std::make_unique<Asker>();
  Asker third;
  Ask("s", first);
  Ask("s", *second);
  Ask("s", third);
  third.then = [&] { second = nullptr; };  // The last to come is told first.
  services.Run(0);
  EXPECT_EQ(first.answer, true);
  EXPECT_EQ(third.answer, true);
  EXPECT_EQ(under_way, 0U);
}

TEST(VerifiedPairsTest, RemembersForAWhile) {
  const MonotonicTime now{std::chrono::hours(1)};
  VerifiedPairs pairs(std::chrono::minutes(5), 2);
  const Sha256Digest a{1};
  const Sha256Digest b{2};
  const Sha256Digest c{3};
  EXPECT_FALSE(pairs.Knows(a, now));
  pairs.Remember(a, now);
  EXPECT_TRUE(pairs.Knows(a, now + std::chrono::seconds(299)));
  EXPECT_FALSE(pairs.Knows(a, now + std::chrono::minutes(5))) << "being asked for prolongs nothing";
  EXPECT_EQ(pairs.size(), 0U);
  pairs.Remember(a, now);
  pairs.Remember(b, now);
  EXPECT_TRUE(pairs.Knows(a, now));
  pairs.Remember(c, now);
  EXPECT_FALSE(pairs.Knows(b, now)) << "the least recently used goes";
  EXPECT_TRUE(pairs.Knows(a, now));
  EXPECT_EQ(pairs.size(), 2U);
}

}  // namespace
}  // namespace gatehouse::filters
