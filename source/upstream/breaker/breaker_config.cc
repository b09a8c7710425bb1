// SPDX-License-Identifier: Apache-2.0
// circuit_breaker:
//   error_ratio: 0.5              # of the results in `window`, when there are min_requests of them
//   error_count: 0                # or so many of them, whatever the ratio
//   slow_ratio: 0.5
//   slow_after: 1s                # without it nobody is slow
//   min_requests: 20
//   window: 10s
//   open_for: 10s
//   max_open_for: 2m              # doubled up to that while trials fail
//   jitter: 0.1
//   half_open_requests: 3
//   trial_timeout: 10s
//   scope: labels                 # cluster
//   errors: [5xx, connect_failure, timeout, reset, malformed, 429]
#include "source/upstream/breaker/breaker_config.h"

#include <optional>
#include <string>
#include <vector>

#include "source/base/text.h"

namespace gatehouse::upstream {
namespace {

using config::About;
using config::Object;
using config::Value;

constexpr Duration kMaxWindow = std::chrono::hours(1);
constexpr Duration kMaxOpen = std::chrono::hours(24);
constexpr uint64_t kMaxCount = 1'000'000;

void AddRule(const Value& value, FailureRules& out) {
  const std::string word = value.String();
  if (!value.IsScalar()) {
    return;
  }
  const std::optional<uint64_t> status = ParseUint(word);
  if (word == "5xx") {
    out.statuses |= FailureRules::ServerErrors();
  } else if (word == "connect_failure") {
    out.connect_failure = true;
  } else if (word == "timeout") {
    out.timeout = true;
  } else if (word == "reset") {
    out.reset = true;
  } else if (word == "malformed") {
    out.malformed = true;
  } else if (status && *status >= FailureRules::kFirstStatus &&
             *status <= FailureRules::kLastStatus) {
    out.statuses[*status - FailureRules::kFirstStatus] = true;
  } else {
    value.Error(
        "must be 5xx, connect_failure, timeout, reset, malformed or a status from 400 to "
        "599, got \"" +
            word + "\"",
        std::string(Nearest(word, std::vector<std::string_view>{"5xx", "connect_failure", "timeout",
                                                                "reset", "malformed"})));
  }
}

FailureRules LoadRules(Object& in) {
  const Value errors = in.Get(
      "errors",
      About("What counts as an error: 5xx (without 501 and 505), connect_failure, timeout (of "
            "connecting and of the response), reset, malformed, and statuses from 400 to 599.")
          .Default("[5xx, connect_failure, timeout, reset, malformed]")
          .Example("[5xx, timeout, 429]"));
  const std::vector<Value> words = errors.List();
  if (!errors.present()) {
    return {};
  }
  FailureRules out{{}, false, false, false, false};
  for (const Value& word : words) {
    AddRule(word, out);
  }
  if (errors.IsNull() || (errors.IsList() && words.empty())) {
    errors.Error("lists nothing, so nothing would ever count as an error");
  }
  return out;
}

// When it opens.
void LoadThresholds(Object& in, BreakerSettings& out) {
  out.error_ratio = in.Number("error_ratio", {out.error_ratio, 0, 1},
                              "It opens when so many of the results in `window` are errors; 0: it "
                              "does not look at the ratio.");
  out.error_count = static_cast<uint32_t>(
      in.Uint("error_count", {0, 0, kMaxCount},
              "It opens when there are so many errors in `window`, whatever the ratio; 0: it does "
              "not count them."));
  out.slow_after = in.Time("slow_after", {Duration(0), Duration(0), kMaxOpen},
                           "Who takes longer to send a response's head is slow; 0s: nobody is.");
  out.slow_ratio = in.Number("slow_ratio", {out.slow_ratio, 0, 1},
                             "It opens when so many of the results in `window` are slow; 0: it "
                             "does not look at that.");
  if (in.Has("slow_ratio") && out.slow_ratio > 0 && out.slow_after == Duration(0)) {
    in.Error("slow_ratio", "needs \"slow_after\": after that time a response is slow");
  }
  const bool slow = out.slow_after > Duration(0) && out.slow_ratio > 0;
  if (out.error_ratio == 0 && out.error_count == 0 && !slow) {
    in.Error("error_ratio",
             "is 0, and neither error_count nor slow_after is set: nothing would "
             "ever open it");
  }
  out.min_requests =
      static_cast<uint32_t>(in.Uint("min_requests", {out.min_requests, 1, kMaxCount},
                                    "Results that there must be before a ratio says anything."));
  out.window = in.Time("window", {out.window, std::chrono::milliseconds(100), kMaxWindow},
                       "How far back results are looked at.");
}

// What happens then.
void LoadRecovery(Object& in, BreakerSettings& out) {
  constexpr Duration kLeast = std::chrono::milliseconds(10);
  out.open_for = in.Time("open_for", {out.open_for, kLeast, kMaxOpen},
                         "How long it stays open, before some requests may try.");
  out.max_open_for = in.Time(
      "max_open_for", {out.open_for, kLeast, kMaxOpen},
      About("Each time that the trials fail, it stays open twice as long, up to this; left out: "
            "always `open_for`.")
          .Default("10s"));
  if (out.max_open_for < out.open_for) {
    in.Error("max_open_for", "is shorter than open_for");
  }
  out.jitter = in.Number("jitter", {0, 0, 1},
                         "A random part of `open_for`, up to this share of it, is added to it, so "
                         "that several gateways don't try at once.");
  out.half_open_requests = static_cast<uint32_t>(
      in.Uint("half_open_requests", {out.half_open_requests, 1, BreakerSettings::kMaxTrials},
              "Requests that try then, over all workers; their results decide."));
  out.trial_timeout = in.Time(
      "trial_timeout", {out.open_for, kLeast, kMaxOpen},
      About("How long their results may take; those that came by then decide, and without any it "
            "opens again. Left out: `open_for`.")
          .Default("10s"));
}

}  // namespace

BreakerSettings LoadBreaker(Object in) {
  BreakerSettings out;
  out.enabled = in.present();
  if (!out.enabled) {
    in.Unchecked();
  }
  LoadThresholds(in, out);
  LoadRecovery(in, out);
  out.scope = in.Enum<BreakerSettings::Scope>(
      "scope",
      {{"labels", BreakerSettings::Scope::kLabels}, {"cluster", BreakerSettings::Scope::kCluster}},
      BreakerSettings::Scope::kLabels,
      "labels: requests whose route or arm has labels share a breaker with those that have the "
      "same; cluster: there is one for all.");
  out.failures = LoadRules(in);
  return out;
}

}  // namespace gatehouse::upstream
