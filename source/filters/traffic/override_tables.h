// SPDX-License-Identifier: Apache-2.0
// The counts of routes' own limits, so that they go on when a reload changes something else.
//
// A route's override that is a limit of its own is loaded anew whenever its base is. Bases hand
// these on from one configuration to the next; what no configuration uses any more is gone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "source/base/locked.h"

namespace gatehouse::filters {

// `Table` is made from its max_keys. Any thread.
template <typename Table>
class OverrideTables {
 public:
  // That of the overrides for which `what`, whatever defines a count, is the same.
  std::shared_ptr<Table> Find(const std::string& what, uint64_t max_keys) {
    return tables_.With([&](auto& tables) {
      std::erase_if(tables, [](const auto& entry) { return entry.second.expired(); });
      std::weak_ptr<Table>& known = tables[std::to_string(max_keys) + "\n" + what];
      std::shared_ptr<Table> table = known.lock();
      if (table == nullptr) {
        table = std::make_shared<Table>(max_keys);
        known = table;
      }
      return table;
    });
  }

 private:
  Locked<std::map<std::string, std::weak_ptr<Table>>> tables_;
};

}  // namespace gatehouse::filters
