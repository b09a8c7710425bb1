// SPDX-License-Identifier: Apache-2.0
// A circuit breaker: keeps requests from endpoints that fail, lets a few of them try after a while,
// and all of them again when those went well.
//
//   closed ──(too many failed, or were slow)──▶ open ──(open_for has passed)──▶ half-open
//      ▲                                         ▲                                 │
//      └────(half_open_requests went well)───────┼─────────────────────────────────┤
//                                                └──────────(too many did not)─────┘
//
// There is one state for all workers, a word that they only read. Results are counted by each
// worker for itself (window.h). Whoever comes by when the last look is 100 ms old adds them up.
// Places in the half-open phase and their results are one more word (trials.h), so that exactly as
// many requests try as may.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/observe/metrics.h"
#include "source/upstream/breaker/cause.h"
#include "source/upstream/breaker/settings.h"
#include "source/upstream/breaker/trials.h"
#include "source/upstream/breaker/window.h"

namespace gatehouse::upstream {

enum class BreakerState : uint8_t { kClosed, kHalfOpen, kOpen };

// "closed", "half_open", "open"
std::string_view StateName(BreakerState state);

// What an operator asks for. Holds until another command, or for as long as it says.
enum class BreakerCommand : uint8_t { kOpen, kClose, kAuto };

// What has happened since the breaker began, also under other settings.
struct BreakerTotals {
  uint64_t opened = 0;
  uint64_t half_opened = 0;
  uint64_t closed = 0;
  uint64_t rejected = 0;
  uint64_t trials_good = 0;
  uint64_t trials_failed = 0;
  uint64_t trials_void = 0;  // Ended without a result; others took their place.
};

// A breaker at one moment, for people.
struct BreakerView {
  BreakerState state = BreakerState::kClosed;
  bool manual = false;       // By command, and without an eye for results.
  bool endless = false;      // Until another command.
  Duration left{0};          // Until it is half-open, or until the command ends.
  BreakerCause cause;        // Of the latest change.
  WindowCounts window;       // Of now, while closed.
  uint32_t trials_left = 0;  // Places, while half-open.
  uint32_t trials_out = 0;   // Under way.
  BreakerTotals totals;
};

// All members may be called by any thread, those with a `worker` by that worker's only.
class Breaker {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // One request that was let through. Its result is reported once at most.
  class Pass {
   public:
    Pass() = default;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { End(); }

    // Whether a breaker let it through that may yet be told something.
    bool open() const { return breaker_ != nullptr; }
    // Whether it has not been told a result.
    bool pending() const { return breaker_ != nullptr && !told_; }
    // REQUIRES: open().
    const Breaker& breaker() const { return *breaker_; }
    // A result; kNone is End(). After a good one, a failed one takes its place: the response broke
    // off. Counted for the phase in which the request was let through, if that lasts. A good one of
    // a trial is its result when the response is whole, or after a while (Breaker::kAnswerGrace).
    void Report(uint32_t worker, MonotonicTime now, Verdict verdict, bool slow);
    // The response is whole.
    void Finish(MonotonicTime now);
    // No more will come of it. One that tried and has no result gives its place back.
    void End() { (void)Leave(); }

   private:
    friend class Breaker;
    // The breaker that should look, if any.
    Breaker* Leave();

    Breaker* breaker_ = nullptr;
    uint64_t word_ = 0;
    bool told_ = false;
    bool answering_ = false;  // Tried, and was told a good result that is yet to be counted.
  };

  // How long after the beginning of the latest good response trials are judged by that; earlier
  // when trial_timeout is over.
  static constexpr Duration kAnswerGrace = std::chrono::seconds(1);

  // `cluster` and `labels` are its name; `labels` empty: for all that have none of their own.
  // `before`, which may be null, is the breaker of that name so far.
  Breaker(std::string cluster, Labels labels, const BreakerSettings& settings, uint32_t workers,
          std::shared_ptr<const observe::MetricBlock> metrics, const Breaker* before);

  const std::string& cluster() const { return cluster_; }
  const Labels& labels() const { return labels_; }
  // "version=v2,zone=a"
  const std::string& label_text() const { return label_text_; }
  const BreakerSettings& settings() const { return settings_; }
  const std::shared_ptr<const observe::MetricBlock>& metric_block() const { return metric_block_; }

  // Whether a request may go on; then `pass`, which is of no breaker, is its pass. `state`, as it
  // decided, goes to the log.
  bool Admit(uint32_t worker, MonotonicTime now, Pass& pass, BreakerState& state) {
    const uint64_t word = word_.load(std::memory_order_acquire);
    const int64_t at = now.time_since_epoch().count();
    if (StateOf(word) == BreakerState::kClosed && !LookDue(at)) [[likely]] {
      state = BreakerState::kClosed;
      Begin(word, pass);
      return true;
    }
    return AdmitGuarded(worker, at, pass, state);
  }

  // `lasting`: 0 for good. Waits, for as long as a look takes.
  void Command(BreakerCommand command, Duration lasting, MonotonicTime now);
  BreakerState state() const { return StateOf(word_.load(std::memory_order_acquire)); }
  // Looks first, so that it is up to date whether requests come or not.
  BreakerView View(MonotonicTime now);
  BreakerTotals Totals() const;
  // How long a request that was turned away should wait: one second at least.
  Duration RetryAfter(MonotonicTime now) const;
  BreakerCause Cause() const { return cause_.Load(); }

 private:
  // The word: state, whether by command, and a number that grows with each change.
  static constexpr uint64_t kStateMask = 3;
  static constexpr uint64_t kManual = 4;
  static constexpr uint64_t kOneChange = 8;
  static constexpr Duration kLookEvery = std::chrono::milliseconds(100);
  // What has just begun is seen in slices of a fortieth of this, however long the window is.
  static constexpr Duration kRecent = std::chrono::seconds(10);
  static constexpr int64_t kClocksDiffer = 1'000'000'000;  // Those of workers, at most.

  struct alignas(64) WorkerCount {
    std::atomic<uint64_t> rejected{0};
  };
  class Turn;  // Holds turn_, if nobody else did.

  static BreakerState StateOf(uint64_t word) {
    return static_cast<BreakerState>(word & kStateMask);
  }
  // Also when the clock has gone back by more than workers' clocks differ.
  bool LookDue(int64_t now) const {
    return static_cast<uint64_t>(now - looked_.load(std::memory_order_relaxed) + kClocksDiffer) >=
           static_cast<uint64_t>(kLookEvery.count() + kClocksDiffer);
  }
  bool AdmitGuarded(uint32_t worker, int64_t now, Pass& pass, BreakerState& state);
  void Begin(uint64_t word, Pass& pass);
  void CountTrial(uint64_t word, bool answered, bool failed, bool slow);
  void LookOnTrials(int64_t now);
  void CountRejected(uint32_t worker);
  bool Waits(int64_t now) const;

  // These have the turn.
  void Look(int64_t now);
  void Judge(uint64_t word, int64_t now);
  bool LatestExceeds(const BreakerWindow& window, uint64_t word, int64_t now, WindowCounts& all,
                     BreakerCause& cause) const;
  bool Exceeds(const WindowCounts& counts, int64_t span, bool whole, BreakerCause& cause) const;
  bool TrialsOver(const TrialCounts& trials, int64_t now) const;
  void JudgeTrials(uint64_t word, int64_t now);
  void Open(int64_t now, const BreakerCause& cause);
  BreakerCause OpenFor() const;
  void HalfOpen(const BreakerCause& cause);
  void Close(int64_t now, const BreakerCause& cause);
  void Change(BreakerState to, bool manual, const BreakerCause& cause);
  void WaitFor(int64_t now, int64_t length);
  int64_t OpenLength(int64_t now) const;

  const std::string cluster_;
  const Labels labels_;
  const std::string label_text_;
  const BreakerSettings settings_;
  const std::shared_ptr<const observe::MetricBlock> metric_block_;

  // Read by all.
  std::atomic<uint64_t> word_;
  std::atomic<int64_t> looked_{0};  // Nanoseconds of MonotonicTime.
  BreakerWindow window_;
  std::optional<BreakerWindow> recent_;  // Its latest part in finer slices, where they differ.
  // Of what lasts: the open state, a command.
  std::atomic<int64_t> until_{0};
  std::atomic<int64_t> length_{0};  // 0: without end.
  StoredCause cause_;
  TrialPhase trials_;
  std::atomic<bool> turn_{false};
  uint32_t reopened_ = 0;  // Times in a row. Has the turn.
  std::atomic<uint64_t> opened_, half_opened_, closed_;
  std::atomic<uint64_t> trials_good_, trials_failed_, trials_void_;
  const uint64_t rejected_before_;
  std::vector<WorkerCount> workers_;
};

inline void Breaker::Begin(uint64_t word, Pass& pass) {
  pass.breaker_ = this;
  pass.word_ = word;
  pass.told_ = false;
  pass.answering_ = false;
}

}  // namespace gatehouse::upstream
