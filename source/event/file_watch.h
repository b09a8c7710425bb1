// SPDX-License-Identifier: Apache-2.0
// Tells when a file may have changed, however it is changed: written in place, replaced by a
// rename, reached through a symbolic link that was swapped (Kubernetes' ConfigMaps: file ->
// ..data/file,
// ..data -> a directory of its own for each version), removed, created again, also with its
// directories.
//
// Every directory on the way to the file is watched for the name that is looked up in it, and the
// file itself for writes: so that a busy neighbour in its directory costs nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/event/deadline.h"
#include "source/event/file_events.h"
#include "source/event/loop.h"

namespace gatehouse::event {

// Loop thread only.
class FileWatch final : private Deadline {
 public:
  // A burst of changes is told when it has paused for so long, or has lasted for so long.
  static constexpr Duration kQuiet = std::chrono::milliseconds(100);
  static constexpr Duration kLongest = std::chrono::seconds(1);

  // Make it before reading the file: what changes from then on is told. `changed` is called once a
  // burst, also when the file is gone and when nothing but its permissions changed; it may destroy
  // the watch. Of a directory, its entries are watched, not what is in them.
  FileWatch(Loop& loop, std::string path, std::function<void()> changed);

  // Why changes may go unseen, in one sentence; empty when all is well.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Trail;
  void Subscribe();
  void SubscribeTo(const Trail& trail);
  void SubscribeToTarget(const Trail& trail);
  void OnChange();
  void OnDeadline() override;

  Loop& loop_;
  const std::string path_;  // Absolute.
  const std::function<void()> changed_;
  std::vector<std::unique_ptr<FileEvents::Subscription>> subscriptions_;
  std::string trouble_;
  MonotonicTime burst_began_;
};

}  // namespace gatehouse::event
