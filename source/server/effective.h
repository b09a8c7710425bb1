// SPDX-License-Identifier: Apache-2.0
// `config --effective`: a configuration with its defaults written out and its secrets left out.
#pragma once

#include <string>

#include "source/config/object.h"

namespace gatehouse::server {

// YAML that loads again, to the same but for secrets. `root` is of a configuration without
// mistakes. What is written stays as it is written, in its order, variables and aliases expanded;
// defaults of what is absent follow. Filters and the conditions of routes have no defaults here.
//
// Redacted as "***": tokens of admin, values under secret-like keys (token, password, secret, key,
// authorization) that came from environment variables, and passwords in URLs.
std::string EffectiveConfig(const config::Value& root);

}  // namespace gatehouse::server
