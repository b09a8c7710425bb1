// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/key_upkeep.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "source/filters/watched_file.h"

namespace gatehouse::filters {
namespace {

using pipeline::Pending;
using pipeline::Services;

constexpr Duration kFirstRetry = std::chrono::seconds(1);

// One fetch at a time, so that an older answer never replaces a newer one.
class UrlUpkeep final : public pipeline::Upkeep {
 public:
  UrlUpkeep(std::shared_ptr<KeySource> source, Services& services)
      : source_(std::move(source)), services_(services) {
    std::shared_ptr<const pipeline::Waker> waker;
    wakeable_ = services_.Wakeable([this] { OnAsked(); }, waker);
    source_->SetWaker(std::move(waker));
    OnDue();
  }
  ~UrlUpkeep() override { source_->SetWaker(nullptr); }

 private:
  // A token names a key that is not there.
  void OnAsked() {
    if (!source_->Answered(source_->asked())) {
      Fetch();
    }
  }
  void OnDue() {
    due_ = true;
    Fetch();
  }
  // Does nothing but note for whom it is when one is under way.
  void Fetch() {
    for_ask_ = source_->asked();
    if (!std::exchange(fetching_, true)) {
      fetch_ = FetchKeys(services_, source_, [this](bool good) { OnEnd(good); });
    }
  }
  void OnEnd(bool good) {
    fetching_ = false;
    source_->Answer(for_ask_);
    // What was asked for and failed changes nothing of when the next one is due.
    if (good) {
      retry_ = kFirstRetry;
      Schedule(source_->settings().refresh);
    } else if (due_) {
      const Duration refresh = source_->settings().refresh;
      Schedule(std::min(retry_, refresh));
      retry_ = std::min(retry_ * 2, refresh);
    }
  }
  void Schedule(Duration wait) {
    due_ = false;
    timer_ = services_.Timer(Jittered(wait), [this] { OnDue(); });
  }
  // Between 80 and 100 %.
  Duration Jittered(Duration wait) {
    return wait - wait / 1000 * std::uniform_int_distribution<int>(0, 200)(random_);
  }

  const std::shared_ptr<KeySource> source_;
  Services& services_;
  std::minstd_rand random_{std::random_device()()};
  Duration retry_ = kFirstRetry;
  int64_t for_ask_ = 0;    // The newest ask that the fetch under way is for.
  bool fetching_ = false;  // fetch_ stays after its end: it can't be destroyed then.
  bool due_ = false;       // The timer has fired, and is not set again yet.
  std::unique_ptr<Pending> wakeable_;
  std::unique_ptr<Pending> timer_;
  std::unique_ptr<Pending> fetch_;
};

}  // namespace

std::unique_ptr<pipeline::Upkeep> StartKeyUpkeep(std::shared_ptr<KeySource> source,
                                                 pipeline::Services& services) {
  if (source->remote()) {
    return std::make_unique<UrlUpkeep>(std::move(source), services);
  }
  const KeySourceSettings& settings = source->settings();
  if (settings.path.empty()) {
    return nullptr;
  }
  const auto load = [source] {
    const Result<void> result = source->TakeFile();
    source->Report(result);
    return result.has_value();
  };
  return KeepFile(services, settings.path, load, !source->FileUnchanged(), settings.failed,
                  settings.refreshed);
}

}  // namespace gatehouse::filters
