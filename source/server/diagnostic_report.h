// SPDX-License-Identifier: Apache-2.0
// Diagnostics as `validate` prints them: lines for tools, excerpts for people, JSON for machines.
#pragma once

#include <string>

#include "source/config/diagnostics.h"

namespace gatehouse::server {

// An array of one object for each diagnostic, in the order of their places:
//   file, line, column, path, severity ("error", "warning"), message, suggestion
// All members are always there; what is not known is null. Ends with a line feed.
std::string DiagnosticsToJson(const config::Diagnostics& diagnostics);

// The lines of Diagnostics::ToText(), each followed by the line of the source that it blames, with
// a caret below the place. `main_text` is the source of the first file; others are read. `colour`:
// with escape sequences of ECMA-48.
std::string DiagnosticsToExcerpts(const config::Diagnostics& diagnostics,
                                  const std::string& main_text, bool colour);

}  // namespace gatehouse::server
