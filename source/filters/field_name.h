// SPDX-License-Identifier: Apache-2.0
// Names and values of header fields, as filters are told them in the configuration.
#pragma once

#include <string>
#include <string_view>

#include "source/config/object.h"
#include "source/http/message/headers.h"

namespace gatehouse::filters {

// Whether it is a token (RFC 9110 section 5.1).
bool IsFieldName(std::string_view name);

// Whether `sent`, in any case, is `name`, in lower case, or looks like it to servers that turn
// names into variables (CGI, WSGI): those can't tell "_" from "-".
bool SameVariable(std::string_view sent, std::string_view name);

// Removes the fields that are `name`, in lower case, or look like it so.
void RemoveVariable(http::Headers& fields, std::string_view name);

// Whether a field can't have this value: it has line breaks or other control characters than tab.
bool HoldsControls(std::string_view value);

// `name` in lower case; empty, and an error at `at`, when it is none, or of a field that frames the
// message, routes it or belongs to one connection: those the gateway writes itself.
std::string CheckedFieldName(const std::string& name, const config::Value& at);

}  // namespace gatehouse::filters
