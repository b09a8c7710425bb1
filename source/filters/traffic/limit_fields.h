// SPDX-License-Identifier: Apache-2.0
// What clients are told of a limit: Retry-After (RFC 9110 section 10.2.3), and RateLimit and
// RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).
//
//   RateLimit-Policy: "per_ip";q=100;w=1
//   RateLimit: "per_ip";r=42;t=1
#pragma once

#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/filters/traffic/limit.h"

namespace gatehouse::filters {

// Whole seconds, at least 1.
std::string RetryAfter(Duration wait);

// The fields of one limit: those that stay the same are made once.
class LimitFields {
 public:
  // `name` as users call the limit; what no String of RFC 9651 can hold becomes "?".
  explicit LimitFields(std::string_view name);

  // The value of RateLimit-Policy.
  std::string Policy(const LimitRate& rate) const;
  // The value of RateLimit, in `arena`. The burst may be more than the policy's amount: clients
  // are not told more than that.
  std::string_view State(const LimitRate& rate, const LimitDecision& decision, Arena& arena) const;

 private:
  std::string name_;  // In double quotes.
};

}  // namespace gatehouse::filters
