// SPDX-License-Identifier: Apache-2.0
// How failures are told to peers of HTTP/2 (RFC 9113 section 7).
#pragma once

#include <cstdint>

#include "source/base/error.h"

namespace gatehouse::http {

// For RST_STREAM.
uint32_t ResetCodeOf(ErrorCode code);

}  // namespace gatehouse::http
