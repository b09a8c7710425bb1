// SPDX-License-Identifier: Apache-2.0
// Points in time, as configurations write them: RFC 3339.
#pragma once

#include <string_view>

#include "source/base/clock.h"
#include "source/base/error.h"

namespace gatehouse::filters {

// "2027-01-01T00:00:00Z", also with "+02:00" for "Z".
Result<WallTime> ParseTimestamp(std::string_view text);

}  // namespace gatehouse::filters
