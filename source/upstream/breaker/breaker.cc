// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/breaker.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "source/base/log.h"
#include "source/config/values.h"

namespace gatehouse::upstream {
namespace {

// Of the results that are judged by themselves, how many more there are than a window needs.
constexpr uint64_t kRecentFactor = 5;
// How often a request looks again when the state changes while it asks.
constexpr int kMaxLooks = 4;

std::string LabelText(const Breaker::Labels& labels) {
  std::string out;
  for (const auto& [key, value] : labels) {
    out.append(out.empty() ? "" : ",").append(key).append("=").append(value);
  }
  return out;
}

uint32_t PhaseOf(uint64_t word) {
  return static_cast<uint32_t>(word >> 3) & TrialPhase::kPhaseMask;
}

bool Reaches(uint64_t part, uint64_t whole, double ratio) {
  // Thirds and the like: 0.3 of 10 is 3, although 0.3 * 10 is a little more.
  constexpr double kRounding = 1e-9;
  return ratio > 0 && static_cast<double>(part) >= ratio * static_cast<double>(whole) - kRounding;
}

void Raise(std::atomic<uint64_t>& count) { count.fetch_add(1, std::memory_order_relaxed); }

// Evenly distributed in [0, 1): other gateways that saw the same draw another.
double Draw(uint64_t seed) {
  seed += 0x9e3779b97f4a7c15;
  seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((seed ^ (seed >> 31)) >> 11) * 0x1.0p-53;
}

}  // namespace

std::string_view StateName(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kHalfOpen:
      return "half_open";
    case BreakerState::kOpen:
      break;
  }
  return "open";
}

// Whoever has it may change the state. Nobody waits for it but commands.
class Breaker::Turn {
 public:
  explicit Turn(Breaker& breaker)
      : turn_(breaker.turn_), has_(!turn_.exchange(true, std::memory_order_acquire)) {}
  ~Turn() {
    if (has_) {
      turn_.store(false, std::memory_order_release);
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return has_; }

 private:
  std::atomic<bool>& turn_;
  const bool has_;
};

Breaker::Breaker(std::string cluster, Labels labels, const BreakerSettings& settings,
                 uint32_t workers, std::shared_ptr<const observe::MetricBlock> metrics,
                 const Breaker* before)
    : cluster_(std::move(cluster)),
      labels_(std::move(labels)),
      label_text_(LabelText(labels_)),
      settings_(settings),
      metric_block_(std::move(metrics)),
      word_(kOneChange),
      window_(workers, settings.window.count()),
      trials_(settings.half_open_requests),
      rejected_before_(before == nullptr ? 0 : before->Totals().rejected),
      workers_(std::max(workers, 1U)) {
  if (settings.window > kRecent) {
    recent_.emplace(workers, kRecent.count());
  }
  const BreakerTotals totals = before == nullptr ? BreakerTotals{} : before->Totals();
  opened_ = totals.opened;
  half_opened_ = totals.half_opened;
  closed_ = totals.closed;
  trials_good_ = totals.trials_good;
  trials_failed_ = totals.trials_failed;
  trials_void_ = totals.trials_void;
}

// ---- Asking ----

// Whether until_ is ahead. A clock that has gone back ends it.
bool Breaker::Waits(int64_t now) const {
  const int64_t length = length_.load(std::memory_order_relaxed);
  const int64_t left = until_.load(std::memory_order_relaxed) - now;
  return length == 0 || (left > 0 && left <= length + kClocksDiffer);
}

bool Breaker::AdmitGuarded(uint32_t worker, int64_t now, Pass& pass, BreakerState& state) {
  if (LookDue(now)) {
    if (const Turn turn(*this); turn) {
      Look(now);
    }
  }
  for (int look = 0; look < kMaxLooks; ++look) {
    const uint64_t word = word_.load(std::memory_order_acquire);
    state = StateOf(word);
    if (state == BreakerState::kClosed) {
      Begin(word, pass);
      return true;
    }
    if (state == BreakerState::kHalfOpen) {
      if (trials_.Take(PhaseOf(word), now)) {
        Begin(word, pass);
        return true;
      }
    } else if (Waits(now)) {
      break;
    }
    // Either the phase is over, or it has no more places.
    if (const Turn turn(*this); turn) {
      Look(now);
    }
    if (word_.load(std::memory_order_acquire) == word) {
      break;
    }
  }
  CountRejected(worker);
  return false;
}

void Breaker::CountRejected(uint32_t worker) {
  std::atomic<uint64_t>& count = workers_[worker < workers_.size() ? worker : 0].rejected;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// ---- Results ----

void Breaker::Pass::Report(uint32_t worker, MonotonicTime now, Verdict verdict, bool slow) {
  if (verdict == Verdict::kNone) {
    End();
    return;
  }
  const bool failed = verdict == Verdict::kFailed;
  if (breaker_ == nullptr || (told_ && !failed)) {
    return;
  }
  Breaker& breaker = *breaker_;
  const bool first = !std::exchange(told_, true);
  if (!first || failed) {
    breaker_ = nullptr;  // Nothing can take its place.
  }
  const int64_t at = now.time_since_epoch().count();
  if (StateOf(word_) == BreakerState::kHalfOpen) {
    const bool answered = std::exchange(answering_, first && !failed && !slow);
    if (answering_) {
      breaker.trials_.Answer(PhaseOf(word_), at);
    } else if (first || answered) {
      breaker.CountTrial(word_, answered, failed, slow);
    } else {
      breaker.trials_.Revoke(PhaseOf(word_));
    }
    breaker.LookOnTrials(at);
    return;
  }
  if (breaker.word_.load(std::memory_order_relaxed) != word_) {
    return;  // Of another phase.
  }
  breaker.window_.Add(worker, word_, at, first, failed, slow);
  if (breaker.recent_) {
    breaker.recent_->Add(worker, word_, at, first, failed, slow);
  }
  if ((failed || slow) && breaker.LookDue(at)) {
    if (const Turn turn(breaker); turn) {
      breaker.Look(at);
    }
  }
}

void Breaker::Pass::Finish(MonotonicTime now) {
  if (Breaker* breaker = Leave()) {
    breaker->LookOnTrials(now.time_since_epoch().count());
  }
}

Breaker* Breaker::Pass::Leave() {
  Breaker* breaker = std::exchange(breaker_, nullptr);
  if (breaker == nullptr || StateOf(word_) != BreakerState::kHalfOpen || (told_ && !answering_)) {
    return nullptr;
  }
  if (std::exchange(answering_, false)) {
    breaker->CountTrial(word_, true, false, false);
    return breaker;
  }
  Raise(breaker->trials_void_);
  breaker->trials_.GiveBack(PhaseOf(word_));
  return nullptr;
}

void Breaker::CountTrial(uint64_t word, bool answered, bool failed, bool slow) {
  Raise(failed ? trials_failed_ : trials_good_);
  trials_.Count(PhaseOf(word), answered, failed, slow);
}

// If somebody else has the turn, the next request that asks looks again.
void Breaker::LookOnTrials(int64_t now) {
  if (state() != BreakerState::kHalfOpen || !TrialsOver(trials_.Counts(), now)) {
    return;
  }
  if (const Turn turn(*this); turn) {
    Look(now);
  }
}

// ---- Judging ----

void Breaker::Look(int64_t now) {
  looked_.store(now, std::memory_order_relaxed);
  const uint64_t word = word_.load(std::memory_order_relaxed);
  if ((word & kManual) != 0) {
    if (Waits(now)) {
      return;
    }
    if (StateOf(word) == BreakerState::kClosed) {
      Close(now, {BreakerCause::Kind::kCommandEnded});
    } else {
      HalfOpen(OpenFor());
    }
    return;
  }
  switch (StateOf(word)) {
    case BreakerState::kClosed:
      Judge(word, now);
      break;
    case BreakerState::kOpen:
      if (!Waits(now)) {
        HalfOpen(OpenFor());
      }
      break;
    case BreakerState::kHalfOpen:
      JudgeTrials(word, now);
      break;
  }
}

// Adds up what is in `window`. Whether its latest part is too much: the shortest that has enough
// results to be judged by itself.
bool Breaker::LatestExceeds(const BreakerWindow& window, uint64_t word, int64_t now,
                            WindowCounts& all, BreakerCause& cause) const {
  BreakerWindow::Slices slices{};
  window.Sum(word, now, slices);
  const uint64_t enough = kRecentFactor * settings_.min_requests;
  bool judged = false;
  bool exceeds = false;
  for (int64_t age = 0; age < BreakerWindow::kSlices; ++age) {
    const WindowCounts& slice = slices[static_cast<size_t>(age)];
    all.requests += slice.requests;
    all.failed += slice.failed;
    all.slow += slice.slow;
    if (!judged && all.results() >= enough) {
      judged = true;
      exceeds = Exceeds(all, (age + 1) * window.width(), false, cause);
    }
  }
  return exceeds;
}

// The whole window, and by itself its latest part: what has just begun must not wait until it
// outweighs all that went well before.
void Breaker::Judge(uint64_t word, int64_t now) {
  WindowCounts recent;
  WindowCounts all;
  BreakerCause cause;
  if ((recent_ && LatestExceeds(*recent_, word, now, recent, cause)) ||
      LatestExceeds(window_, word, now, all, cause) ||
      Exceeds(all, settings_.window.count(), true, cause)) {
    Open(now, cause);
  }
}

bool Breaker::Exceeds(const WindowCounts& counts, int64_t span, bool whole,
                      BreakerCause& cause) const {
  const uint64_t results = counts.results();
  const bool enough = results >= settings_.min_requests;
  const bool many = whole && settings_.error_count > 0 && counts.failed >= settings_.error_count;
  if (many || (enough && Reaches(counts.failed, results, settings_.error_ratio))) {
    cause = {BreakerCause::Kind::kFailed, counts.failed, results, Duration(span), Duration(0)};
    return true;
  }
  if (settings_.slow_after > Duration(0) && enough &&
      Reaches(counts.slow, results, settings_.slow_ratio)) {
    cause = {BreakerCause::Kind::kSlow, counts.slow, results, Duration(span), settings_.slow_after};
    return true;
  }
  return false;
}

// When all have a result, or have had a good head for a while; or none of them is to be waited for
// any longer.
bool Breaker::TrialsOver(const TrialCounts& trials, int64_t now) const {
  const auto passed = [&](int64_t since, Duration length) {
    return now - since >= length.count() || now - since < -kClocksDiffer;
  };
  const uint32_t all = settings_.half_open_requests;
  return trials.done() >= all ||
         (trials.done() + trials.answering >= all && passed(trials_.answered(), kAnswerGrace)) ||
         (trials.left == 0 && passed(trials_.taken(), settings_.trial_timeout));
}

// Those that have no result when the time is over have failed to have one: the others decide, and
// without others it opens.
void Breaker::JudgeTrials(uint64_t word, int64_t now) {
  TrialCounts trials = trials_.Counts();
  if (trials.phase != PhaseOf(word) || !TrialsOver(trials, now)) {
    return;
  }
  trials.good += trials.answering;
  const uint32_t done = trials.done();
  using enum BreakerCause::Kind;
  if (done == 0) {
    ++reopened_;
    Open(now, {kTrialsLate, 0, 0, settings_.trial_timeout, Duration(0)});
    return;
  }
  // Without a ratio, errors are counted: then one is too many.
  const double errors = settings_.error_ratio > 0   ? settings_.error_ratio
                        : settings_.error_count > 0 ? 1.0 / TrialPhase::kMaxPlaces
                                                    : 0;
  if (trials.failed > 0 && Reaches(trials.failed, done, errors)) {
    ++reopened_;
    Open(now, {kTrialsFailed, trials.failed, done, Duration(0), Duration(0)});
  } else if (settings_.slow_after > Duration(0) && trials.slow > 0 &&
             Reaches(trials.slow, done, settings_.slow_ratio)) {
    ++reopened_;
    Open(now, {kTrialsSlow, trials.slow, done, Duration(0), settings_.slow_after});
  } else {
    Close(now, {kTrialsGood, trials.good, done, Duration(0), Duration(0)});
  }
}

// ---- Changing ----

int64_t Breaker::OpenLength(int64_t now) const {
  const auto first = static_cast<double>(settings_.open_for.count());
  const auto most =
      static_cast<double>(std::max(settings_.max_open_for, settings_.open_for).count());
  const double length =
      std::min(std::ldexp(first, static_cast<int>(std::min(reopened_, 60U))), most);
  const auto seed = static_cast<uint64_t>(now) ^ word_.load(std::memory_order_relaxed);
  const Duration drawn(static_cast<int64_t>(length * (1 + settings_.jitter * Draw(seed))));
  return Duration(std::chrono::round<std::chrono::milliseconds>(drawn)).count();
}

void Breaker::WaitFor(int64_t now, int64_t length) {
  until_.store(now + length, std::memory_order_relaxed);
  length_.store(length, std::memory_order_relaxed);
}

void Breaker::Open(int64_t now, const BreakerCause& cause) {
  WaitFor(now, OpenLength(now));
  Change(BreakerState::kOpen, false, cause);
}

BreakerCause Breaker::OpenFor() const {
  return {BreakerCause::Kind::kWaited, 0, 0, Duration(length_.load(std::memory_order_relaxed)),
          Duration(0)};
}

void Breaker::HalfOpen(const BreakerCause& cause) {
  trials_.Begin(PhaseOf(word_.load(std::memory_order_relaxed) + kOneChange));
  Change(BreakerState::kHalfOpen, false, cause);
}

void Breaker::Close(int64_t, const BreakerCause& cause) {
  reopened_ = 0;
  Change(BreakerState::kClosed, false, cause);
}

void Breaker::Change(BreakerState to, bool manual, const BreakerCause& cause) {
  const uint64_t before = word_.load(std::memory_order_relaxed);
  cause_.Store(cause);
  word_.store(((before & ~(kOneChange - 1)) + kOneChange) | (manual ? kManual : 0) |
                  static_cast<uint64_t>(to),
              std::memory_order_release);
  if (StateOf(before) == to) {
    return;
  }
  const std::string why = Text(cause);
  if (to == BreakerState::kOpen) {
    Raise(opened_);
    const int64_t length = length_.load(std::memory_order_relaxed);
    log::Warning("circuit opened",
                 {{"cluster", cluster_},
                  {"labels", label_text_},
                  {"cause", why},
                  {"for", length == 0 ? "ever" : config::FormatDuration(Duration(length))}});
  } else {
    const bool closed = to == BreakerState::kClosed;
    Raise(closed ? closed_ : half_opened_);
    log::Info(closed ? "circuit closed" : "circuit half-open",
              {{"cluster", cluster_}, {"labels", label_text_}, {"cause", why}});
  }
}

void Breaker::Command(BreakerCommand command, Duration lasting, MonotonicTime now) {
  const int64_t at = now.time_since_epoch().count();
  for (;;) {
    const Turn turn(*this);
    if (!turn) {
      std::this_thread::yield();
      continue;
    }
    const uint64_t word = word_.load(std::memory_order_relaxed);
    const bool manual = (word & kManual) != 0;
    const BreakerCause cause{BreakerCause::Kind::kCommand};
    if (command != BreakerCommand::kAuto) {
      WaitFor(at, lasting.count());
      reopened_ = 0;
      Change(command == BreakerCommand::kOpen ? BreakerState::kOpen : BreakerState::kClosed, true,
             cause);
    } else if (manual && StateOf(word) == BreakerState::kOpen) {
      HalfOpen({BreakerCause::Kind::kCommandEnded});  // What it keeps from may be ill.
    } else if (manual) {
      Close(at, {BreakerCause::Kind::kCommandEnded});
    }
    return;
  }
}

// ---- Telling ----

BreakerTotals Breaker::Totals() const {
  const auto of = [](const std::atomic<uint64_t>& count) {
    return count.load(std::memory_order_relaxed);
  };
  BreakerTotals out{of(opened_),      of(half_opened_),   of(closed_),     rejected_before_,
                    of(trials_good_), of(trials_failed_), of(trials_void_)};
  for (const WorkerCount& worker : workers_) {
    out.rejected += of(worker.rejected);
  }
  return out;
}

BreakerView Breaker::View(MonotonicTime now) {
  const int64_t at = now.time_since_epoch().count();
  if (const Turn turn(*this); turn) {
    Look(at);
  }
  const uint64_t word = word_.load(std::memory_order_acquire);
  BreakerView out;
  out.state = StateOf(word);
  out.manual = (word & kManual) != 0;
  out.endless = out.manual && length_.load(std::memory_order_relaxed) == 0;
  out.cause = cause_.Load();
  if (out.state == BreakerState::kOpen || (out.manual && !out.endless)) {
    out.left = Duration(std::max<int64_t>(until_.load(std::memory_order_relaxed) - at, 0));
  }
  if (out.state == BreakerState::kClosed) {
    BreakerWindow::Slices slices{};
    window_.Sum(word, at, slices);
    for (const WindowCounts& slice : slices) {
      out.window.requests += slice.requests;
      out.window.failed += slice.failed;
      out.window.slow += slice.slow;
    }
  } else if (out.state == BreakerState::kHalfOpen) {
    const TrialCounts trials = trials_.Counts();
    out.trials_left = trials.left;
    const uint32_t gone = trials.left + trials.done() + trials.lost;
    out.trials_out = settings_.half_open_requests - std::min(gone, settings_.half_open_requests);
  }
  out.totals = Totals();
  return out;
}

Duration Breaker::RetryAfter(MonotonicTime now) const {
  constexpr Duration kLeast = std::chrono::seconds(1);
  if (state() != BreakerState::kOpen || length_.load(std::memory_order_relaxed) == 0) {
    return kLeast;
  }
  const int64_t at = now.time_since_epoch().count();
  return std::max(Duration(until_.load(std::memory_order_relaxed) - at), kLeast);
}

}  // namespace gatehouse::upstream
