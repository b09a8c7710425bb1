// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/upkeep.h"

#include <utility>

namespace gatehouse::proxy {

void UpkeepSet::Follow(const pipeline::FilterTable* filters) {
  std::map<const pipeline::FilterDefinition*, Entry> next;
  if (filters != nullptr) {
    filters->ForEach([&](const std::shared_ptr<pipeline::FilterDefinition>& definition) {
      const auto known = entries_.find(definition.get());
      if (known != entries_.end()) {
        next.insert(entries_.extract(known));
      } else {
        next.emplace(definition.get(), Entry{definition, nullptr, false});
      }
    });
  }
  // What is gone ends before what is new begins.
  std::swap(entries_, next);
  next.clear();
  for (auto& [definition, entry] : entries_) {
    if (!std::exchange(entry.started, true)) {
      entry.upkeep = definition->StartUpkeep(services_);
    }
  }
}

}  // namespace gatehouse::proxy
