// SPDX-License-Identifier: Apache-2.0
// The reference page docs/config.md: every key with its type, default, unit and an example.
#pragma once

#include <string>

#include "source/config/shape.h"

namespace gatehouse::server {

// Markdown. A section for each mapping, in the order in which the loaders read them.
std::string ConfigReference(const config::Shape& shape);

}  // namespace gatehouse::server
