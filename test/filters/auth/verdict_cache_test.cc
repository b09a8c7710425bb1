// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/verdict_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/pipeline/harness_services.h"

namespace gatehouse::filters {
namespace {

using pipeline::FetchResponse;
using std::chrono::hours;
using std::chrono::seconds;

// Somebody who waits, and what they were told.
struct Listener final : VerdictCache::Waiter {
  void OnVerdict(VerdictCache::Verdict verdict, bool first_in) override {
    ++told;
    status = verdict->status;
    first = first_in;
    if (then) {
      then();
    }
  }
  int told = 0;
  uint16_t status = 0;
  bool first = false;
  std::function<void()> then;
};

class VerdictCacheTest : public testing::Test {
 protected:
  static VerdictCache::Verdict Verdict(uint16_t status, size_t bytes = 0) {
    auto verdict = std::make_shared<AuthVerdict>();
    verdict->status = status;
    verdict->body.assign(bytes, 'x');
    return verdict;
  }
  void Ask(std::string_view key, Listener& listener) {
    cache_.Ask(key, listener, services_, {},
               [](Result<FetchResponse> answer) { return Verdict(answer->status); });
  }

  MonotonicTime now_{hours(1)};
  const std::vector<observe::MetricTable*> tables_;
  pipeline::HarnessServices services_{now_, tables_};
  VerdictCache cache_{100};
};

TEST_F(VerdictCacheTest, KeepsForAWhile) {
  EXPECT_EQ(cache_.Find("a", now_), nullptr);
  cache_.Keep("a", Verdict(200), now_, seconds(2));
  ASSERT_NE(cache_.Find("a", now_), nullptr);
  EXPECT_EQ((*cache_.Find("a", now_ + seconds(1)))->status, 200);
  EXPECT_EQ(cache_.Find("a", now_ + seconds(2)), nullptr);
  EXPECT_EQ(cache_.Find("", now_), nullptr) << "a free place is no entry";
  cache_.Keep("a", Verdict(201), now_, seconds(9));
  EXPECT_EQ((*cache_.Find("a", now_ + seconds(8)))->status, 201);
}

TEST_F(VerdictCacheTest, NothingLargeAndNothingForNoTime) {
  cache_.Keep("a", Verdict(200, VerdictCache::kMaxEntryBytes), now_, hours(1));
  EXPECT_EQ(cache_.Find("a", now_), nullptr);
  cache_.Keep(std::string(VerdictCache::kMaxEntryBytes, 'k'), Verdict(200), now_, hours(1));
  EXPECT_EQ(cache_.Find(std::string(VerdictCache::kMaxEntryBytes, 'k'), now_), nullptr);
  cache_.Keep("a", Verdict(200), now_, seconds(0));
  EXPECT_EQ(cache_.Find("a", now_), nullptr);
}

TEST_F(VerdictCacheTest, NeverMoreThanItsBound) {
  for (int i = 0; i < 100'000; ++i) {
    cache_.Keep(std::to_string(i), Verdict(200), now_ + std::chrono::milliseconds(i), hours(1));
  }
  int kept = 0;
  for (int i = 0; i < 100'000; ++i) {
    kept += cache_.Find(std::to_string(i), now_ + seconds(100)) != nullptr ? 1 : 0;
  }
  EXPECT_LE(kept, 100);
  EXPECT_GE(kept, 90) << "and near it";
  EXPECT_NE(cache_.Find("99999", now_ + seconds(100)), nullptr) << "the newest is there";
}

TEST_F(VerdictCacheTest, OneQuestionForAllWhoWait) {
  Listener one;
  Listener two;
  Listener other;
  EXPECT_FALSE(cache_.Wait("k", one));
  Ask("k", one);
  EXPECT_TRUE(cache_.Wait("k", two));
  EXPECT_FALSE(cache_.Wait("j", other));
  EXPECT_EQ(services_.fetches().size(), 1U);
  EXPECT_TRUE(services_.Answer(FetchResponse{204, {}, ""}));
  EXPECT_EQ(one.told + two.told, 2);
  EXPECT_EQ(one.status, 204);
  EXPECT_TRUE(one.first && !two.first);
  EXPECT_FALSE(cache_.Wait("k", one)) << "it is over";
}

TEST_F(VerdictCacheTest, WhoAskedMayLeaveWhileOthersWait) {
  Listener one;
  Listener two;
  Ask("k", one);
  cache_.Wait("k", two);
  cache_.Leave("k", one);
  EXPECT_TRUE(services_.Answer(FetchResponse{200, {}, ""}));
  EXPECT_EQ(one.told, 0);
  EXPECT_EQ(two.told, 1);
  EXPECT_TRUE(two.first);
}

TEST_F(VerdictCacheTest, AQuestionThatNobodyWaitsForIsCancelled) {
  Listener one;
  Listener two;
  Ask("k", one);
  cache_.Wait("k", two);
  cache_.Leave("k", one);
  cache_.Leave("k", two);
  EXPECT_FALSE(services_.Answer(FetchResponse{200, {}, ""}));
  Ask("k", one);
  EXPECT_TRUE(services_.Answer(FetchResponse{200, {}, ""}));
  EXPECT_EQ(one.told, 1);
}

TEST_F(VerdictCacheTest, WhoIsToldMayMakeOthersLeaveAndCome) {
  Listener one;
  Listener two;
  Listener three;
  Listener late;
  one.then = [&] {
    cache_.Leave("k", two);
    EXPECT_TRUE(cache_.Wait("k", late));
  };
  Ask("k", one);
  cache_.Wait("k", two);
  cache_.Wait("k", three);
  EXPECT_TRUE(services_.Answer(FetchResponse{200, {}, ""}));
  EXPECT_EQ(one.told, 1);
  EXPECT_EQ(two.told, 0);
  EXPECT_EQ(three.told, 1);
  EXPECT_EQ(late.told, 1);
}

}  // namespace
}  // namespace gatehouse::filters
