// SPDX-License-Identifier: Apache-2.0
// Countries by their two letters.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "source/filters/security/country_db.h"

namespace gatehouse::filters {

// A code of ISO 3166-1 alpha-2, or XK, which databases have for Kosovo; capital letters only.
std::optional<CountryCode> ParseCountry(std::string_view text);

// What was probably meant by a text that is none: "GB" for "UK", "DE" for "de". May be empty.
std::string SuggestCountry(std::string_view text);

}  // namespace gatehouse::filters
