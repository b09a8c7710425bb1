// SPDX-License-Identifier: Apache-2.0
// The one place that turns errors into what clients and logs see of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/error.h"
#include "source/http/message/head.h"

namespace gatehouse::proxy {

// Everything that follows from the kind of an error.
struct ErrorPolicy {
  uint16_t status = 500;         // 0: nobody is left to answer.
  std::string_view sentence;     // For clients: the kind of thing that failed, never which host.
  bool retry_elsewhere = false;  // No byte of the request has reached the endpoint.
};

ErrorPolicy PolicyFor(ErrorCode code);

// The body of an error response in `arena`: JSON when `accept` prefers it, else text. Both carry
// the error's public name and the request id, and no internals.
struct ErrorBody {
  std::string_view content_type;
  std::string_view body;
};
ErrorBody RenderError(ErrorCode code, std::string_view accept, std::string_view request_id,
                      Arena& arena);

}  // namespace gatehouse::proxy
