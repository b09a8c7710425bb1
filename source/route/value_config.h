// SPDX-License-Identifier: Apache-2.0
// Loads tests of header, query and cookie values.
#pragma once

#include <string>

#include "source/config/object.h"
#include "source/route/load_context.h"
#include "source/route/route.h"

namespace gatehouse::route {

// An exact string, or {prefix: ...}, {suffix: ...}, {contains: ...}, {regex: ...},
// {present: true|false}.
ValueMatch LoadValueMatch(std::string name, const config::Value& value, LoadContext& context);

}  // namespace gatehouse::route
