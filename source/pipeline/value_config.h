// SPDX-License-Identifier: Apache-2.0
// Loads tests of header, query, cookie and other values.
#pragma once

#include <string>

#include "source/config/object.h"
#include "source/pipeline/regex_cache.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::pipeline {

// An exact string, or {prefix: ...}, {suffix: ...}, {contains: ...}, {regex: ...},
// {present: true|false}.
ValueMatch LoadValueMatch(std::string name, const config::Value& value, RegexCache& regexes);

}  // namespace gatehouse::pipeline
