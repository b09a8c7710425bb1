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

  // The right to fetch once more because a token names a key that is not there: one at a time, and
  // not again before refetch_interval is over. Given back when it is destroyed.
  class Claim {
   public:
    explicit Claim(std::shared_ptr<KeySource> source) : source_(std::move(source)) {}
    ~Claim() { source_->refetching_.store(false, std::memory_order_release); }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    const std::shared_ptr<KeySource> source_;
  };
  // Null when it can't be had.
  static std::unique_ptr<Claim> ClaimRefetch(const std::shared_ptr<KeySource>& source,
                                             MonotonicTime now);
  // Whether somebody has it.
  bool refetching() const { return refetching_.load(std::memory_order_acquire); }

 private:
  const KeySourceSettings settings_;
  Published<JwkSet> keys_;
  Published<FileStamp> stamp_;
  std::atomic<uint64_t> generations_{0};
  std::atomic<uint64_t> reported_{0};  // The generation whose unusable keys have been logged.
  std::atomic<bool> tried_{false};
  std::atomic<bool> failing_{false};
  std::atomic<bool> refetching_{false};
  std::atomic<int64_t> refetch_from_ns_{0};  // Of MonotonicTime.
};

// Fetches the keys of `source` from its URL once: `done(good)` on the worker whose services these
// are. Destroying the call cancels it, and is not for `done` to do.
std::unique_ptr<pipeline::Pending> FetchKeys(pipeline::Services& services,
                                             std::shared_ptr<KeySource> source,
                                             std::function<void(bool good)> done);

}  // namespace gatehouse::filters
