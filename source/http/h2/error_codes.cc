// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/error_codes.h"

#include <nghttp2/nghttp2.h>

namespace gatehouse::http {

uint32_t ResetCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return NGHTTP2_NO_ERROR;
    case ErrorCode::kMalformedRequest:
    case ErrorCode::kMalformedPath:
    case ErrorCode::kMalformedResponse:
      return NGHTTP2_PROTOCOL_ERROR;
    case ErrorCode::kClientGone:  // Nobody wants the answer any more.
    case ErrorCode::kRequestTimeout:
    case ErrorCode::kBodyTooLarge:
      return NGHTTP2_CANCEL;
    default:
      return NGHTTP2_INTERNAL_ERROR;
  }
}

}  // namespace gatehouse::http
