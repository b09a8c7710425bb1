// SPDX-License-Identifier: Apache-2.0
// `${NAME}` and `${NAME:-default}` in a scalar, `$${` for a literal `${`.
//
// As in a shell, `:-` also replaces a variable that is set and empty. A default is plain text up to
// the next `}`.
#pragma once

#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/config/document.h"

namespace gatehouse::config {

struct Expansion {
  std::string text;
  bool from_environment = false;  // Whether a variable's value, not just a default, went in.
};

// Whether Expand() would change `text` or refuse it.
inline bool NeedsExpansion(std::string_view text) { return text.find("${") != text.npos; }

Result<Expansion> Expand(std::string_view text, const Environment& environment);

}  // namespace gatehouse::config
