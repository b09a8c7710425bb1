// SPDX-License-Identifier: Apache-2.0
// Entries as a text that outlasts the process:
//
//   gatehouse ip_access entries 1
//   deny 192.0.2.7/128 1763826000123 600000 1763825400123 scans our ports
//   end 1 9f86d081884c7d65...
//
// An action, the block (in its IPv6 form), until when by the wall clock, how long that was when it
// was written, when it was added (milliseconds; the first two 0: no end), the reason. The last
// line counts the entries, and has the SHA-256 of all that stands before it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/filters/security/entry_trie.h"

namespace gatehouse::filters {

// Those that have not expired by `now`, which is `wall` by the other clock.
std::string WriteEntries(const EntryTrie& entries, MonotonicTime now, WallTime wall);

// What WriteEntries() wrote, with what has expired meanwhile left out. However the wall clock was
// set since, an entry has no more left than it had then. Fails when the text is not whole.
Result<EntryTrie> ReadEntries(std::string_view text, MonotonicTime now, WallTime wall);

}  // namespace gatehouse::filters
