// SPDX-License-Identifier: Apache-2.0
// Where the keys of an issuer come from, and the newest of them, for all workers.
//
// What comes and can't be used changes nothing: the last good keys stay, a warning says why once,
// and `keys_failed` counts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/published.h"
#include "source/filters/auth/jwk_set.h"
#include "source/filters/file_stamp.h"
#include "source/observe/metrics.h"
#include "source/pipeline/cluster_use.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

struct KeySourceSettings {
  std::string filter;  // Its name, for the log.
  JwkSet::Rules rules;
  std::string path;  // Of a file.
  pipeline::FetchTarget url;
  Duration refresh{};
  Duration timeout{};
  Duration refetch_interval{};
  observe::MetricId refreshed;
  observe::MetricId failed;
};

// Any thread. Held by shared pointers: work under way holds one.
class KeySource {
 public:
  explicit KeySource(KeySourceSettings settings) : settings_(std::move(settings)) {}
  KeySource(const KeySource&) = delete;
  KeySource& operator=(const KeySource&) = delete;

  const KeySourceSettings& settings() const { return settings_; }
  bool remote() const { return !settings_.url.cluster.empty(); }
  // Null inside until there are keys.
  const Published<JwkSet>& keys() const { return keys_; }
  // Whether the first keys are still to come: nobody has tried to get them yet, or is trying.
  bool awaited() const { return !tried_.load(std::memory_order_acquire); }

  // Makes keys of `text`, and publishes them unless they are those it has. Not on a worker, as it
  // may take milliseconds.
  Result<void> Take(std::string text);
  // The same with what is in the file.
  Result<void> TakeFile();
  // Whether the file is the one that was read last.
  bool FileUnchanged() const;

  // What has become of getting them: logged when it is not as it was the last time, as is which of
  // new keys can't be used. For what was got while loading, the configuration's diagnostics say so.
  void Report(const Result<void>& result);

  // --- A token names a key that is not there
  // Asks for the keys to be fetched now, by the upkeep: never by whoever asks, who may go away. At
  // most once every refetch_interval, whatever came of it. What to wait for, which may be what
  // somebody else asked for; 0: nothing, as there was a fetch not long ago.
  int64_t AskForNewKeys(MonotonicTime now);
  // Whether the fetch that AskForNewKeys() told of is over.
  bool Answered(int64_t ask) const { return answered_.load(std::memory_order_acquire) >= ask; }

  // For the upkeep, on its worker. While it runs it can be woken; null: it ends.
  void SetWaker(std::shared_ptr<const pipeline::Waker> waker);
  // What was asked for last.
  int64_t asked() const { return asked_.load(std::memory_order_acquire); }
  // A fetch is over that began when, or lasted until, `ask` was the newest.
  void Answer(int64_t ask) { answered_.store(ask, std::memory_order_release); }

 private:
  const KeySourceSettings settings_;
  Published<JwkSet> keys_;
  Published<FileStamp> stamp_;
  std::atomic<uint64_t> generations_{0};
  std::atomic<uint64_t> reported_{0};  // The generation whose unusable keys have been logged.
  std::atomic<bool> tried_{false};
  std::atomic<bool> failing_{false};
  Published<pipeline::Waker> waker_;
  // An ask is the time from when on there may be the next one, in ns of MonotonicTime.
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> answered_{0};
};

// Fetches the keys of `source` from its URL once: `done(good)` on the worker whose services these
// are. Destroying the call cancels it, and is not for `done` to do.
std::unique_ptr<pipeline::Pending> FetchKeys(pipeline::Services& services,
                                             std::shared_ptr<KeySource> source,
                                             std::function<void(bool good)> done);

}  // namespace gatehouse::filters
