// SPDX-License-Identifier: Apache-2.0
// Answers of the admin endpoint, in the shapes that all of its pages share.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/config/diagnostics.h"
#include "source/proxy/handler.h"
#include "source/upstream/breaker/breaker.h"

namespace gatehouse::admin {

using Json = nlohmann::ordered_json;

// Two-space indented, with a line feed at the end; what is not UTF-8 becomes U+FFFD.
proxy::HandlerResponse JsonResponse(const Json& json, uint16_t status = 200);
proxy::HandlerResponse TextResponse(std::string text, uint16_t status = 200);
// {"error": ERROR, "message": MESSAGE}
proxy::HandlerResponse ErrorResponse(uint16_t status, std::string_view error,
                                     std::string_view message);

// "2026-03-01T08:15:30.125Z"; null for the epoch's beginning, which stands for never.
Json TimeJson(WallTime time);

// A circuit breaker as it is now.
Json BreakerJson(upstream::Breaker& breaker);

// An element for each, as `gatehouse validate` sorts them.
Json DiagnosticsJson(const config::Diagnostics& diagnostics);

}  // namespace gatehouse::admin
