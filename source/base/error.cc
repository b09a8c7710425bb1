// SPDX-License-Identifier: Apache-2.0
#include "source/base/error.h"

namespace gatehouse {

std::string_view ErrorName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return "none";
    case ErrorCode::kMalformedRequest:
      return "malformed_request";
    case ErrorCode::kMalformedPath:
      return "malformed_path";
    case ErrorCode::kRequestTimeout:
      return "request_timeout";
    case ErrorCode::kBodyTooLarge:
      return "body_too_large";
    case ErrorCode::kTargetTooLong:
      return "target_too_long";
    case ErrorCode::kHeadersTooLarge:
      return "headers_too_large";
    case ErrorCode::kExpectationFailed:
      return "expectation_failed";
    case ErrorCode::kUnsupportedCoding:
      return "unsupported_coding";
    case ErrorCode::kMethodNotSupported:
      return "method_not_supported";
    case ErrorCode::kVersionNotSupported:
      return "version_not_supported";
    case ErrorCode::kClientGone:
      return "client_gone";
    case ErrorCode::kNoRoute:
      return "no_route";
    case ErrorCode::kDenied:
      return "denied";
    case ErrorCode::kNoCredentials:
      return "no_credentials";
    case ErrorCode::kBadCredentials:
      return "bad_credentials";
    case ErrorCode::kNotPermitted:
      return "not_permitted";
    case ErrorCode::kAuthUnavailable:
      return "auth_unavailable";
    case ErrorCode::kRateLimited:
      return "rate_limited";
    case ErrorCode::kConcurrencyLimited:
      return "concurrency_limited";
    case ErrorCode::kLimiterUnavailable:
      return "limiter_unavailable";
    case ErrorCode::kCircuitOpen:
      return "circuit_open";
    case ErrorCode::kFaultInjected:
      return "fault_injected";
    case ErrorCode::kNoEndpoint:
      return "no_endpoint";
    case ErrorCode::kConnectFailed:
      return "connect_failed";
    case ErrorCode::kConnectTimeout:
      return "connect_timeout";
    case ErrorCode::kTlsFailed:
      return "tls_failed";
    case ErrorCode::kUpstreamReset:
      return "upstream_reset";
    case ErrorCode::kUpstreamUnprocessed:
      return "upstream_unprocessed";
    case ErrorCode::kMalformedResponse:
      return "malformed_response";
    case ErrorCode::kResponseTimeout:
      return "response_timeout";
    case ErrorCode::kOverloaded:
      return "overloaded";
    case ErrorCode::kDraining:
      return "draining";
    case ErrorCode::kInvalidConfig:
      return "invalid_config";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace gatehouse
