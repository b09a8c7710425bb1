// SPDX-License-Identifier: Apache-2.0
// When a cluster's circuit breaker opens, for how long, and what lets it close again.
#pragma once

#include <bitset>
#include <cstdint>

#include "source/base/clock.h"
#include "source/base/error.h"

namespace gatehouse::upstream {

// What a request's end says of the endpoints.
enum class Verdict : uint8_t {
  kNone,  // Nothing: it never came to them, or the client left before they could answer.
  kGood,
  kFailed,
};

// Which ends of requests are failures.
struct FailureRules {
  static constexpr uint16_t kFirstStatus = 400;
  static constexpr uint16_t kLastStatus = 599;

  // By status - kFirstStatus. At first 500 to 599 without 501 and 505, which say something of the
  // method and the version that a client chose.
  std::bitset<kLastStatus - kFirstStatus + 1> statuses = ServerErrors();
  bool connect_failure = true;
  bool timeout = true;  // Of connecting and of the response.
  bool reset = true;
  bool malformed = true;

  static std::bitset<kLastStatus - kFirstStatus + 1> ServerErrors();
  Verdict Of(uint16_t status) const {
    const bool failed = status >= kFirstStatus && status <= kLastStatus &&
                        statuses[static_cast<size_t>(status - kFirstStatus)];
    return failed ? Verdict::kFailed : Verdict::kGood;
  }
  // Of a request that ended without a response. Limits of the gateway's own say nothing.
  Verdict Of(ErrorCode code) const;
  friend bool operator==(const FailureRules&, const FailureRules&) = default;
};

struct BreakerSettings {
  static constexpr uint32_t kMaxTrials = 1000;

  // Requests that have a breaker of their own: all of the cluster, or those with the same fixed
  // labels (of route and arm).
  enum class Scope : uint8_t { kLabels, kCluster };

  bool enabled = false;
  Scope scope = Scope::kLabels;
  double error_ratio = 0.5;  // Of the results; 0: not looked at.
  uint32_t error_count = 0;  // In a window, however many succeed; 0: not looked at.
  double slow_ratio = 0.5;   // Not looked at while slow_after is 0.
  Duration slow_after{0};    // Until the response's head.
  uint32_t min_requests = 20;
  Duration window{std::chrono::seconds(10)};
  Duration open_for{std::chrono::seconds(10)};
  Duration max_open_for{std::chrono::seconds(10)};  // Doubled from open_for on; at least that.
  double jitter = 0;                                // Added to open_for, at most this part of it.
  uint32_t half_open_requests = 3;                  // 1 to kMaxTrials.
  Duration trial_timeout{std::chrono::seconds(10)};
  FailureRules failures;
  friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

}  // namespace gatehouse::upstream
