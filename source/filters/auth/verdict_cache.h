// SPDX-License-Identifier: Apache-2.0
// Verdicts of one worker: those kept for a while, and questions under way that several streams wait
// for.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/clock.h"
#include "source/filters/auth/auth_verdict.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

// Worker thread only, but for the end: by then nobody waits. Bounded: a new verdict takes the place
// of one that is expired or that would have been the first to expire. Where it looks for that place
// depends on the key, so that the cost of a look-up does not depend on what clients send.
class VerdictCache {
 public:
  using Verdict = std::shared_ptr<const AuthVerdict>;

  class Waiter {
   public:
    // Not called from inside Wait() or Ask(). One of those who wait is told `first`.
    virtual void OnVerdict(Verdict verdict, bool first) = 0;

   protected:
    ~Waiter() = default;
  };

  // Keys and verdicts that are larger together are not kept.
  static constexpr size_t kMaxEntryBytes = 16 * 1024;

  // `max_entries` > 0.
  explicit VerdictCache(size_t max_entries);

  // What is kept for `key`; null when nothing is. Valid until the next Keep().
  const Verdict* Find(std::string_view key, MonotonicTime now) const;
  void Keep(std::string_view key, Verdict verdict, MonotonicTime now, Duration ttl);

  // Waits for the answer to the question that is under way for `key`; false when none is.
  bool Wait(std::string_view key, Waiter& waiter);
  // Begins one, whose answer `judge` turns into a verdict, and waits. REQUIRES: none is under way.
  void Ask(std::string_view key, Waiter& waiter, pipeline::Services& services,
           pipeline::FetchRequest request,
           std::function<Verdict(Result<pipeline::FetchResponse>)> judge);
  // Does not wait any more. A question that nobody waits for is cancelled.
  void Leave(std::string_view key, Waiter& waiter);

 private:
  static constexpr size_t kWays = 8;
  struct Kept {
    std::string key;
    Verdict verdict;  // Null: the place is free.
    MonotonicTime until{};
  };
  struct Question {
    std::unique_ptr<pipeline::Pending> call;
    std::deque<Waiter*> waiters;
  };

  size_t FirstPlace(std::string_view key) const;
  void Tell(const std::string& key, const Verdict& verdict);

  const size_t ways_;
  const size_t sets_;
  std::vector<Kept> kept_;  // sets_ * ways_, once anything is kept.
  std::map<std::string, Question, std::less<>> questions_;
};

}  // namespace gatehouse::filters
