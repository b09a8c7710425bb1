// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/error_response.h"

#include <string>

#include "source/base/text.h"

namespace gatehouse::proxy {

ErrorPolicy PolicyFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformedRequest:
      return {400, "the request is malformed"};
    case ErrorCode::kMalformedPath:
      return {400, "the path is malformed or ambiguous"};
    case ErrorCode::kRequestTimeout:
      return {408, "the request took too long to arrive"};
    case ErrorCode::kBodyTooLarge:
      return {413, "the content is too large"};
    case ErrorCode::kTargetTooLong:
      return {414, "the request target is too long"};
    case ErrorCode::kExpectationFailed:
      return {417, "the expectation can't be met"};
    case ErrorCode::kHeadersTooLarge:
      return {431, "the header fields are too large or too many"};
    case ErrorCode::kUnsupportedCoding:
      return {501, "the transfer coding is not supported"};
    case ErrorCode::kMethodNotSupported:
      return {501, "the method is not supported"};
    case ErrorCode::kVersionNotSupported:
      return {505, "the HTTP version is not supported"};
    case ErrorCode::kClientGone:
      return {0, "the client went away"};
    case ErrorCode::kNoRoute:
      return {404, "no route matches"};
    case ErrorCode::kDenied:
      return {403, "access is denied"};
    case ErrorCode::kNoCredentials:
      return {401, "credentials are needed"};
    case ErrorCode::kBadCredentials:
      return {401, "the credentials are not accepted"};
    case ErrorCode::kNotPermitted:
      return {403, "this is not permitted"};
    case ErrorCode::kAuthUnavailable:
      return {503, "who is calling can't be found out now"};
    case ErrorCode::kRateLimited:
      return {429, "too many requests"};
    case ErrorCode::kConcurrencyLimited:
      return {429, "too many requests at once"};
    case ErrorCode::kLimiterUnavailable:
      return {503, "whether this is too much can't be found out now"};
    case ErrorCode::kCircuitOpen:
      return {503, "the service is failing and is being left alone for a while"};
    case ErrorCode::kFaultInjected:
      return {503, "a fault that was asked for"};
    case ErrorCode::kNoEndpoint:
      return {503, "no endpoint can serve this request"};
    case ErrorCode::kConnectFailed:
      return {503, "the service can't be reached", true};
    case ErrorCode::kConnectTimeout:
      return {504, "the service can't be reached in time", true};
    case ErrorCode::kTlsFailed:
      return {502, "the service can't be spoken to safely", true};
    case ErrorCode::kUpstreamUnprocessed:
      return {503, "the service takes no more requests"};
    case ErrorCode::kUpstreamReset:
      return {502, "the service broke off its answer"};
    case ErrorCode::kMalformedResponse:
      return {502, "the service's answer is malformed"};
    case ErrorCode::kResponseTimeout:
      return {504, "the service did not answer in time"};
    case ErrorCode::kOverloaded:
      return {503, "a limit has been reached"};
    case ErrorCode::kDraining:
      return {503, "the gateway is shutting down"};
    case ErrorCode::kNone:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return {500, "internal error"};
}

ErrorBody RenderError(ErrorCode code, std::string_view accept, std::string_view request_id,
                      Arena& arena) {
  const std::string_view sentence = PolicyFor(code).sentence;
  const std::string_view name = ErrorName(code);
  const bool json = accept.find("json") != std::string_view::npos;
  if (json) {
    return {"application/json", arena.Concat("{\"error\":\"", name, "\",\"message\":\"", sentence,
                                             "\",\"request_id\":\"", request_id, "\"}\n")};
  }
  return {"text/plain; charset=utf-8",
          arena.Concat(sentence, " (", name, ", request ", request_id, ")\n")};
}

}  // namespace gatehouse::proxy
