// SPDX-License-Identifier: Apache-2.0
// A request as the route tester imagines it, made from a URL and header lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "source/admin/server_view.h"
#include "source/base/arena.h"
#include "source/base/error.h"
#include "source/http/message/head.h"

namespace gatehouse::server {

// Strings are views of the question or in the arena; both must outlive it.
struct MadeUpRequest {
  explicit MadeUpRequest(Arena& arena) : head(arena) {}

  http::RequestHead head;        // The path is not normalised yet.
  std::optional<uint16_t> port;  // Of the URL, when it names one.
};

// Fills `out` in. The error is for whoever asked.
Result<void> MakeUpRequest(const admin::RouteQuestion& question, Arena& arena, MadeUpRequest& out);

}  // namespace gatehouse::server
