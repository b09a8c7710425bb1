// SPDX-License-Identifier: Apache-2.0
// What both the JSON Schema and the reference page say of a key, in words. All of it is Markdown.
#pragma once

#include <string>

#include "source/config/shape.h"

namespace gatehouse::server {

// As YAML writes it; empty when there is none.
std::string DefaultOf(const config::KeyShape& key);

// "`1ms` to `24h`", "at least 1"; empty without limits.
std::string LimitsInWords(const config::Shape& shape);

// "`ns` `us` `ms` `s` `m` `h`"; empty where there are none.
std::string UnitsInWords(const config::Shape& shape);

// "duration", "list of CIDR block", "`text` or `json`".
std::string TypeInWords(const config::KeyShape& key);

}  // namespace gatehouse::server
