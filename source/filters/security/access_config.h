// SPDX-License-Identifier: Apache-2.0
// The settings of ip_access.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/config/object.h"
#include "source/filters/security/access_rules.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::filters {

// Those of a filter, of routes that change it, and of what is served while a configuration is
// loaded that takes its place. Any thread.
struct KnownFiles {
  FilesInUse<ListFile> lists;
  FilesInUse<CountryFile> databases;
};

struct AccessConfig {
  enum class Source : uint8_t { kClient, kPeer };
  AccessRules rules;
  Source source = Source::kClient;
  bool dry_run = false;
  uint64_t max_entries = 0;
  // Files that no other definition watches.
  std::vector<std::shared_ptr<ListFile>> own_files;
  std::shared_ptr<CountryFile> own_database;
  bool owns_entries = false;
  std::shared_ptr<KnownFiles> known_files;
};

// `base` and `previous` are the configurations of the definitions that the context names, or null:
// files that have not changed, and all entries, are shared with them; of files that can't be used
// any more, what was read last. Mistakes are reported; then
// the result is not to be used.
AccessConfig LoadAccessConfig(config::Object& in, const pipeline::LoadContext& context,
                              const AccessConfig* base, const AccessConfig* previous);

}  // namespace gatehouse::filters
