// SPDX-License-Identifier: Apache-2.0
// Loads what TLS is made of anew when its files change: certificates, keys, authorities, lists.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/event/background.h"
#include "source/event/file_watch.h"
#include "source/event/loop.h"
#include "source/proxy/snapshot.h"

namespace gatehouse::server {

// Loop thread only.
class TlsFiles {
 public:
  // Who is made of files.
  struct Subject {
    std::string name;  // For the log: "cluster users".
    std::vector<std::string> paths;
    // Reads them, in the background, and says in the log what is wrong with them: then what was
    // loaded before stays. Holds what it works on.
    std::function<void()> load;
  };
  // By what they are: those that stay are followed on.
  using Subjects = std::map<const void*, Subject>;

  // `background` runs one job at a time, none any more when this is destroyed.
  TlsFiles(event::Loop& loop, event::Background& background);
  ~TlsFiles();

  // From now on these are followed, and nobody else. Newcomers are loaded once, in case their files
  // have changed since they were read.
  void Follow(Subjects subjects);
  // Whatever is known of their files.
  void LoadAll();

 private:
  struct Followed;
  void Load(Followed& followed);

  event::Loop& loop_;
  event::Background& background_;
  std::map<const void*, std::unique_ptr<Followed>> followed_;
};

// The clusters of `snapshot` that have files.
TlsFiles::Subjects ClusterTlsFiles(const proxy::Snapshot& snapshot);

}  // namespace gatehouse::server
