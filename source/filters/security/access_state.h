// SPDX-License-Identifier: Apache-2.0
// What GET /filters/NAME tells of an ip_access filter.
#pragma once

#include <string>

#include "source/filters/security/access_config.h"

namespace gatehouse::filters {

// A JSON object. Any thread but a worker's.
std::string AccessState(const AccessConfig& config);

}  // namespace gatehouse::filters
