// SPDX-License-Identifier: Apache-2.0
// What a rule of an access policy asks of a request: one thing each.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/ip.h"
#include "source/filters/auth/policy_gate.h"
#include "source/http/message/head.h"
#include "source/observe/identity.h"
#include "source/observe/stream_info.h"
#include "source/pipeline/request_values.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::filters {

// A request as rules see it. On the stack; both must outlive it.
struct PolicyRequest {
  PolicyRequest(const http::RequestHead& head_in, const observe::StreamInfo& info_in)
      : head(head_in), info(info_in), decoder(head_in.headers.arena()) {}

  const http::RequestHead& head;
  const observe::StreamInfo& info;
  pipeline::QueryDecoder decoder;
};

// Immutable; any thread.
class PolicyCondition {
 public:
  // What testing it takes, the least first: rules test in this order.
  enum class Cost : uint8_t { kCompare, kCompareSome, kSearch, kScanHeaders, kDecode, kRegex };

  explicit PolicyCondition(Cost cost) : cost_(cost) {}
  virtual ~PolicyCondition() = default;
  PolicyCondition(const PolicyCondition&) = delete;
  PolicyCondition& operator=(const PolicyCondition&) = delete;

  // Allocates nothing (the decoder may take from the stream's arena).
  virtual bool Holds(PolicyRequest& request) const = 0;
  // A sentence for people: "groups has admins or ops".
  virtual std::string Words() const = 0;
  // Narrows what requests it may hold for.
  virtual void AddTo(PolicyGate&) const {}
  // Whether it looks at who is calling.
  virtual bool OfIdentity() const { return false; }
  Cost cost() const { return cost_; }

 private:
  const Cost cost_;
};

using PolicyConditionPtr = std::unique_ptr<const PolicyCondition>;

PolicyConditionPtr IsAuthenticated(bool wanted);

// How many of the names listed a field of the identity must have.
enum class Quantifier : uint8_t { kAny, kAll, kNone };

// `without_identity`: whether it holds when nobody has been authenticated.
PolicyConditionPtr IdentityHas(observe::IdentityField field, Quantifier quantifier,
                               std::vector<std::string> names, bool without_identity);
// Of a field with several values, one must pass the test.
PolicyConditionPtr IdentityMatches(observe::IdentityField field, pipeline::ValueMatch match,
                                   bool without_identity);

// Each of one of several.
PolicyConditionPtr MethodIn(std::vector<std::string> methods);
PolicyConditionPtr HostIn(std::vector<std::string> hosts);
PolicyConditionPtr PathIn(std::vector<std::string> paths);
PolicyConditionPtr PathUnder(std::vector<std::string> prefixes);  // Canonical ones.
PolicyConditionPtr PathMatches(std::vector<std::shared_ptr<const re2::RE2>> expressions);
PolicyConditionPtr ClientIn(const std::vector<Cidr>& blocks);

PolicyConditionPtr HeaderIs(pipeline::ValueMatch match);
PolicyConditionPtr QueryIs(pipeline::ValueMatch match);
PolicyConditionPtr CookieIs(pipeline::ValueMatch match);
// Of the labels that the route asks for.
PolicyConditionPtr LabelIs(pipeline::ValueMatch match);

}  // namespace gatehouse::filters
