// SPDX-License-Identifier: Apache-2.0
// Lists of address blocks as text.
//
//   # bad people
//   192.0.2.0/24      ; a net
//   198.51.100.7
//   198.51.100.10-198.51.100.99
//   2001:db8::/32
//
// One block a line: an address, a CIDR block, or a range whose ends are inside. `#` and `;` start
// comments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/filters/security/cidr_set.h"

namespace gatehouse::filters {

// Adds the block that `entry` names to `blocks`. A message quotes no more of it than its beginning.
Result<void> AddEntry(std::string_view entry, AddressBlocks& blocks);

// Adds the blocks of `text`, in one go over it and without memory of its own for a line that is
// right. Calls `mistake` for each that is not, lines counted from 1. Returns how many blocks there
// were.
size_t ParseIpList(std::string_view text, AddressBlocks& blocks,
                   const std::function<void(uint32_t line, const std::string& message)>& mistake);

}  // namespace gatehouse::filters
