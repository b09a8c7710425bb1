// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/settings.h"

namespace gatehouse::upstream {

std::bitset<FailureRules::kLastStatus - FailureRules::kFirstStatus + 1>
FailureRules::ServerErrors() {
  std::bitset<kLastStatus - kFirstStatus + 1> out;
  for (size_t status = 500; status <= kLastStatus; ++status) {
    out[status - kFirstStatus] = status != 501 && status != 505;
  }
  return out;
}

Verdict FailureRules::Of(ErrorCode code) const {
  const auto counted = [](bool failure) { return failure ? Verdict::kFailed : Verdict::kGood; };
  switch (code) {
    case ErrorCode::kConnectFailed:
    case ErrorCode::kTlsFailed:
      return counted(connect_failure);
    case ErrorCode::kConnectTimeout:
    case ErrorCode::kResponseTimeout:
      return counted(timeout);
    case ErrorCode::kUpstreamReset:
    case ErrorCode::kUpstreamUnprocessed:
      return counted(reset);
    case ErrorCode::kMalformedResponse:
      return counted(malformed);
    default:
      return Verdict::kNone;
  }
}

}  // namespace gatehouse::upstream
