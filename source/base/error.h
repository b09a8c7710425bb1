// SPDX-License-Identifier: Apache-2.0
// What went wrong, who caused it, and a sentence for the operator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace gatehouse {

// Who caused an error. Clients are told the kind of thing that failed, operators which one.
enum class ErrorSource : uint8_t { kInternal, kDownstream, kUpstream, kConfig };

// The kinds of failure the data path and the loaders tell apart. proxy/error_response.cc maps each
// to a status, a response flag, a retry decision and a log field; ErrorName() is its public name
// (`x-gatehouse-error`).
enum class ErrorCode : uint8_t {
  kNone,
  // Downstream: the request can't be served as it was sent.
  kMalformedRequest,     // 400
  kMalformedPath,        // 400
  kRequestTimeout,       // 408
  kBodyTooLarge,         // 413
  kTargetTooLong,        // 414
  kHeadersTooLarge,      // 431
  kExpectationFailed,    // 417
  kUnsupportedCoding,    // 501
  kMethodNotSupported,   // 501
  kVersionNotSupported,  // 505
  kClientGone,           // 499 in logs: nobody is left to answer
  // Routing and policy.
  kNoRoute,  // 404
  kDenied,   // 403
  // Identity. Each of a filter that authenticates or authorizes.
  kNoCredentials,    // 401: the request brings none of this kind
  kBadCredentials,   // 401: it brings some, and they are not accepted
  kNotPermitted,     // 403: whoever it is may not
  kAuthUnavailable,  // 503: it can't be found out now
  // Traffic.
  kRateLimited,         // 429: this key has sent too many requests of late
  kConcurrencyLimited,  // 429: this key has too many requests in flight
  kLimiterUnavailable,  // 503: what counts for all gateways can't be asked
  kCircuitOpen,         // 503: the cluster's breaker keeps requests from it
  kFaultInjected,       // As the filter says: the answer is a fault that somebody asked for
  kNoEndpoint,          // 503: the cluster has none, or none carries the labels
  // Upstream.
  kConnectFailed,        // 503
  kConnectTimeout,       // 504
  kTlsFailed,            // 502: no handshake with the endpoint, or not with who it should be
  kUpstreamReset,        // 502: closed before a whole response
  kUpstreamUnprocessed,  // 503: the endpoint says that it did nothing with the request
  kMalformedResponse,    // 502
  kResponseTimeout,      // 504
  // Limits of the gateway.
  kOverloaded,  // 503
  kDraining,    // 503
  // Loading and starting.
  kInvalidConfig,
  kIo,
  kInternal,  // 500
};

// The stable public name of `code`: lower case, words joined by underscores.
std::string_view ErrorName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  ErrorSource source = ErrorSource::kInternal;
  std::string message;  // A sentence for operators; never sent to clients.
};

// A value, or why there is none.
template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(ErrorCode code, ErrorSource source, std::string message) {
  return tl::unexpected<Error>(Error{code, source, std::move(message)});
}

}  // namespace gatehouse
