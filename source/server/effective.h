// SPDX-License-Identifier: Apache-2.0
// `config --effective`: a configuration with its defaults written out and its secrets left out.
#pragma once

#include <string>
#include <string_view>

#include "source/config/document.h"
#include "source/config/object.h"

namespace gatehouse::server {

// YAML that loads again, to the same but for secrets. `root` is of a configuration without
// mistakes. What is written stays as it is written, in its order, variables and aliases expanded;
// defaults of what is absent follow. Filters and the conditions of routes have no defaults here.
//
// Redacted as "***": tokens of admin, values under secret-like keys (token, password, secret, key,
// authorization) that came from environment variables, passwords in URLs, users
// and queries of the `url` of a filter, and wherever they come from what stands for passwords and
// keys: hashes in `users`, `sha256`, secrets of inline JWKS.
std::string EffectiveConfig(const config::Value& root);
// The same of the text, for who keeps that instead. Takes as long as parsing it; any thread.
std::string EffectiveConfig(std::string_view text, const config::Environment& environment);

}  // namespace gatehouse::server
