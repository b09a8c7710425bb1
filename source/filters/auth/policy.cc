// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/policy.h"

#include <algorithm>
#include <utility>

namespace gatehouse::filters {
namespace {

constexpr size_t kFewRules = 4;  // Not worth hashing what the request has.
constexpr size_t kMaxTold = 4;   // Rules that a sentence says why they did not apply.

std::string Quoted(const PolicyRule& rule) { return "rule \"" + rule.name + "\""; }

}  // namespace

AccessPolicy::AccessPolicy(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {
  for (PolicyRule& rule : rules_) {
    std::stable_sort(rule.conditions.begin(), rule.conditions.end(),
                     [](const auto& a, const auto& b) { return a->cost() < b->cost(); });
  }
  std::stable_sort(rules_.begin(), rules_.end(), [](const PolicyRule& a, const PolicyRule& b) {
    return a.priority > b.priority;
  });
  if (rules_.size() <= kFewRules) {
    return;
  }
  for (const PolicyRule& rule : rules_) {
    PolicyGate& gate = gates_.emplace_back();
    for (const PolicyConditionPtr& condition : rule.conditions) {
      condition->AddTo(gate);
    }
  }
}

AccessPolicy::Verdict AccessPolicy::Decide(PolicyRequest& request) const {
  Verdict out;
  const bool gated = !gates_.empty();
  const PolicyGate has = gated ? PolicyGate::Of(request.head, request.info.identity) : PolicyGate();
  for (size_t i = 0; i < rules_.size(); ++i) {
    if ((gated && !gates_[i].Lets(has)) || !rules_[i].Applies(request)) {
      continue;
    }
    if (!rules_[i].dry_run) {
      out.rule = i;
      break;
    }
    if (out.dry_run == kNoRule) {
      out.dry_run = i;
    }
  }
  return out;
}

// ": method is GET, groups has admins"
std::string AccessPolicy::Reason(size_t rule) const {
  std::string out;
  for (const PolicyConditionPtr& condition : rules_[rule].conditions) {
    out.append(out.empty() ? ": " : ", ").append(condition->Words());
  }
  return out.empty() ? " every request" : out;
}

// What the rules before `end` that allow ask for and do not get.
std::string AccessPolicy::WhyNotAllowed(PolicyRequest& request, size_t end) const {
  std::string out;
  size_t told = 0;
  for (size_t i = 0; i < std::min(end, rules_.size()); ++i) {
    const PolicyRule& rule = rules_[i];
    if (!rule.allows || rule.Applies(request)) {
      continue;
    }
    if (++told > kMaxTold) {
      return out + "; and others";
    }
    const auto missing =
        std::find_if(rule.conditions.begin(), rule.conditions.end(),
                     [&](const auto& condition) { return !condition->Holds(request); });
    out.append("; ").append(Quoted(rule)).append(" would allow if ").append((*missing)->Words());
    if ((*missing)->OfIdentity() && request.info.identity == nullptr) {
      out.append(" (nobody is authenticated)");
    }
  }
  return out;
}

std::string AccessPolicy::Explain(PolicyRequest& request) const {
  const Verdict verdict = Decide(request);
  std::string out;
  if (verdict.dry_run != kNoRule) {
    const PolicyRule& rule = rules_[verdict.dry_run];
    out = Quoted(rule) + " has dry_run and would " + (rule.allows ? "allow" : "deny") +
          Reason(verdict.dry_run) + "; ";
  }
  if (verdict.rule == kNoRule) {
    return out + "no rule applies, so it denies" + WhyNotAllowed(request, kNoRule);
  }
  const PolicyRule& rule = rules_[verdict.rule];
  out += Quoted(rule) + (rule.allows ? " allows" : " denies") + Reason(verdict.rule);
  return rule.allows ? out : out + WhyNotAllowed(request, verdict.rule);
}

}  // namespace gatehouse::filters
