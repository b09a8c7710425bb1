// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/cause.h"

#include "source/config/values.h"

namespace gatehouse::upstream {
namespace {

std::string PartOf(const BreakerCause& cause, const char* what) {
  return std::to_string(cause.part) + " of " + std::to_string(cause.whole) + " " + what;
}

}  // namespace

std::string Text(const BreakerCause& cause) {
  using enum BreakerCause::Kind;
  switch (cause.kind) {
    case kNone:
      break;
    case kFailed:
      return PartOf(cause, "requests failed in ") + config::FormatDuration(cause.span);
    case kSlow:
      return PartOf(cause, "requests took longer than ") + config::FormatDuration(cause.limit) +
             " in " + config::FormatDuration(cause.span);
    case kTrialsFailed:
      return PartOf(cause, "trials failed");
    case kTrialsSlow:
      return PartOf(cause, "trials took longer than ") + config::FormatDuration(cause.limit);
    case kTrialsGood:
      return PartOf(cause, "trials went well");
    case kTrialsLate:
      return "no trial had a result in " + config::FormatDuration(cause.span);
    case kWaited:
      return "it was open for " + config::FormatDuration(cause.span);
    case kCommand:
      return "by command";
    case kCommandEnded:
      return "a command has ended";
  }
  return {};
}

}  // namespace gatehouse::upstream
