// SPDX-License-Identifier: Apache-2.0
// What is asked of a table of entries over the admin endpoint, as JSON.
//
//   POST {"entries": [{"cidr": "192.0.2.7", "action": "deny", "ttl": "10m", "reason": "scan"},
//                     {"cidr": "198.51.100.0/24", "remove": true}]}
//
// or one such object by itself. All of it is done, or none.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/filters/security/entry_table.h"
#include "source/pipeline/filter.h"

namespace gatehouse::filters {

// At most so many bytes in a reason, which is plain text of one line.
inline constexpr size_t kMaxReasonBytes = 200;

// The changes that `json` asks for. The error has one line for each mistake, up to some number:
// "entries[3].ttl: ...".
Result<std::vector<EntryChange>> ParseEntryChanges(std::string_view json, MonotonicTime now,
                                                   WallTime wall);

// Answers POST entries.
pipeline::AdminReply ChangeEntries(EntryTable& table, uint64_t max_entries, std::string_view body);

// Answers GET entries?after=CIDR&limit=N: those that have not expired, in order.
pipeline::AdminReply ListEntries(const EntryTable& table, std::string_view query);

}  // namespace gatehouse::filters
