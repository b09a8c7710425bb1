// SPDX-License-Identifier: Apache-2.0
#include "source/server/config_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gatehouse::server {

ConfigWatch::ConfigWatch(event::Loop& loop, const std::string& path, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), main_(loop, path, changed_) {}

void ConfigWatch::Follow(Included included) {
  included_ = std::move(included);
  const std::vector<std::string> paths =
      included_ == nullptr ? std::vector<std::string>() : included_->WatchedPaths();
  std::erase_if(watches_, [&](const auto& one) {
    return !std::binary_search(paths.begin(), paths.end(), one.first);
  });
  bool more = false;
  for (const std::string& path : paths) {
    auto& watch = watches_[path];
    if (watch == nullptr) {
      watch = std::make_unique<event::FileWatch>(loop_, path, [this] { OnIncludedChange(); });
      more = true;
    }
  }
  // What was watched before has been told already.
  if (more && !included_->Unchanged()) {
    loop_.Post([this] { changed_(); });
  }
}

// A directory may be busy with files that nobody includes.
void ConfigWatch::OnIncludedChange() {
  if (!included_->Unchanged()) {
    changed_();
  }
}

std::string ConfigWatch::trouble() const {
  if (!main_.trouble().empty()) {
    return main_.trouble();
  }
  for (const auto& [path, watch] : watches_) {
    if (!watch->trouble().empty()) {
      return watch->trouble();
    }
  }
  return "";
}

}  // namespace gatehouse::server
