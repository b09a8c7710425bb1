// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (draft 7, which editors know best) of configurations.
//
// It refuses unknown keys, wrong kinds, unknown words and malformed units. What it can't see:
// references between parts, limits of durations and sizes, which keys exclude each other, and what
// is in other files. `${...}` is allowed in every scalar, whatever its kind.
#pragma once

#include <string>

#include "source/config/shape.h"

namespace gatehouse::server {

// Indented, with a line feed at its end.
std::string JsonSchema(const config::Shape& shape);

}  // namespace gatehouse::server
