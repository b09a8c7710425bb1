// SPDX-License-Identifier: Apache-2.0
// Header names and values that configurations add to messages: nothing that could end a line or
// frame a message differently gets through.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/object.h"
#include "source/route/route.h"

namespace gatehouse::route {

// Header fields as declared; bad ones are errors and left out.
std::vector<std::pair<std::string, std::string>> LoadFields(config::Object& in,
                                                            std::string_view key,
                                                            const config::About& about);

// {set: {name: value}, add: {name: value}, remove: [name]}
HeaderEdits LoadHeaderEdits(config::Object in);

}  // namespace gatehouse::route
