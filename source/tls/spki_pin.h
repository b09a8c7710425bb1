// SPDX-License-Identifier: Apache-2.0
// Pins as users write them.
#pragma once

#include <optional>
#include <string_view>

#include "source/tls/client_settings.h"

namespace gatehouse::tls {

// From base64, after "sha256//" or nothing.
std::optional<SpkiPin> ParseSpkiPin(std::string_view text);

}  // namespace gatehouse::tls
