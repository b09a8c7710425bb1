// SPDX-License-Identifier: Apache-2.0
// Tells when what the configuration was read from may have changed: its file, the files that it
// includes, and the directories in which more may appear.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "source/config/include.h"
#include "source/event/file_watch.h"
#include "source/event/loop.h"

namespace gatehouse::server {

// Loop thread only.
class ConfigWatch {
 public:
  using Included = std::shared_ptr<const config::IncludedFiles>;

  // Make it before reading `path`. `changed` is called once for a burst of changes of one file.
  ConfigWatch(event::Loop& loop, const std::string& path, std::function<void()> changed);

  // From now on `included` is watched as well, and nothing that was included before; null for
  // nothing. What changed since it was read is told.
  void Follow(Included included);

  // Why changes may go unseen, in one sentence; empty when all is well.
  std::string trouble() const;

 private:
  void OnIncludedChange();

  event::Loop& loop_;
  const std::function<void()> changed_;
  event::FileWatch main_;
  Included included_;
  std::map<std::string, std::unique_ptr<event::FileWatch>> watches_;  // By path.
};

}  // namespace gatehouse::server
