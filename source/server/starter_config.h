// SPDX-License-Identifier: Apache-2.0
// The configuration that `gatehouse init` writes.
#pragma once

#include <string_view>

namespace gatehouse::server {

// The schema's file, beside the configuration.
inline constexpr char kSchemaFile[] = "gatehouse.schema.json";

// Its first line has editors check the file against kSchemaFile.
extern const std::string_view kSchemaModeline;
// Without that line.
extern const std::string_view kStarterConfig;

}  // namespace gatehouse::server
