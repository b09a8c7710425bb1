// SPDX-License-Identifier: Apache-2.0
// What filter definitions do beside all streams, on the one worker that does it for all.
#pragma once

#include <map>
#include <memory>

#include "source/pipeline/filter_table.h"
#include "source/pipeline/services.h"

namespace gatehouse::proxy {

// Worker thread only.
class UpkeepSet {
 public:
  explicit UpkeepSet(pipeline::Services& services) : services_(services) {}

  // A configuration with these filters is served from now on: starts what is new, ends what is
  // gone. Null: one without filters.
  void Follow(const pipeline::FilterTable* filters);

 private:
  struct Entry {
    std::shared_ptr<const pipeline::FilterDefinition> definition;
    std::unique_ptr<pipeline::Upkeep> upkeep;  // Goes before its definition.
    bool started = false;
  };

  pipeline::Services& services_;
  std::map<const pipeline::FilterDefinition*, Entry> entries_;
};

}  // namespace gatehouse::proxy
