// SPDX-License-Identifier: Apache-2.0
// Writes values as the YAML that people would write: blocks, and short leaves in one line.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace gatehouse::server {

// Keys in the order of the mapping. All scalars are strings, as configuration has no other kind.
using Tree = nlohmann::ordered_json;

// Appends the entries of `map`, which is not empty, each line indented by `indent` spaces.
void AppendYaml(std::string& out, const Tree& map, size_t indent = 0);

// Appends one element of a list.
void AppendYamlElement(std::string& out, const Tree& element, size_t indent);

// A scalar that reads as `text` again: plain, or in double quotes. `$` of `${` is doubled, since
// scalars are expanded when they are read.
std::string YamlScalar(std::string_view text);

}  // namespace gatehouse::server
