// SPDX-License-Identifier: Apache-2.0
// Loads tests of header, query, cookie and other values.
#pragma once

#include <string>
#include <string_view>

#include "source/config/object.h"
#include "source/pipeline/regex_cache.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::pipeline {

// An exact string, or {prefix: ...}, {suffix: ...}, {contains: ...}, {regex: ...},
// {present: true|false}.
ValueMatch LoadValueMatch(std::string name, const config::Value& value, RegexCache& regexes);

// The keys of such a test in `in`, which may have others. One of all may stand: `first` is the one
// that was seen, empty when there was none yet.
void LoadValueTest(config::Object& in, std::string_view& first, RegexCache& regexes,
                   ValueMatch& out);

}  // namespace gatehouse::pipeline
