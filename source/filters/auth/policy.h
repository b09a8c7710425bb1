// SPDX-License-Identifier: Apache-2.0
// An access policy: rules in order, of which the first that applies decides. None applies: denied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/filters/auth/policy_condition.h"

namespace gatehouse::filters {

struct PolicyRule {
  std::string name;
  bool allows = false;   // Else it denies.
  int priority = 0;      // The highest first; among equals, as declared.
  bool dry_run = false;  // Does not decide; it is only told what it would have decided.
  std::vector<PolicyConditionPtr> conditions;  // All must hold; the cheap ones first.

  bool Applies(PolicyRequest& request) const {
    for (const PolicyConditionPtr& condition : conditions) {
      if (!condition->Holds(request)) {
        return false;
      }
    }
    return true;
  }
};

// Immutable; any thread.
class AccessPolicy {
 public:
  static constexpr size_t kNoRule = SIZE_MAX;

  // Indices of rules().
  struct Verdict {
    size_t rule = kNoRule;  // That decided.
    // With `dry_run`, and would have decided: it comes first.
    size_t dry_run = kNoRule;
    size_t first() const { return dry_run != kNoRule ? dry_run : rule; }
  };

  AccessPolicy() = default;
  // As declared.
  explicit AccessPolicy(std::vector<PolicyRule> rules);

  Verdict Decide(PolicyRequest& request) const;
  bool Allows(size_t rule) const { return rule != kNoRule && rules_[rule].allows; }

  // In the order in which they are asked.
  const std::vector<PolicyRule>& rules() const { return rules_; }

  // For people: "rule "admins" allows: groups has admins".
  std::string Explain(PolicyRequest& request) const;

 private:
  std::string Reason(size_t rule) const;
  std::string WhyNotAllowed(PolicyRequest& request, size_t end) const;

  std::vector<PolicyRule> rules_;
  std::vector<PolicyGate> gates_;  // Of each rule; none when there are but a few.
};

}  // namespace gatehouse::filters
