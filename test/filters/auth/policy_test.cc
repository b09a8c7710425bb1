// SPDX-License-Identifier: Apache-2.0
// Long policies pass over rules that can't apply: that must never change who decides.
#include "source/filters/auth/policy.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse::filters {
namespace {

using observe::Identity;
using observe::IdentityField;
using observe::IdentityKind;
using observe::IdentityValue;
using Names = std::vector<std::string>;

class Random {
 public:
  explicit Random(uint32_t seed) : random_(seed) {}
  size_t Below(size_t end) { return random_() % end; }
  bool OneIn(size_t count) { return Below(count) == 0; }
  // Few enough to meet each other, of all lengths, also beyond eight bytes.
  std::string Name() { return std::string(Below(4) * 4, 'x') + std::to_string(Below(6)); }
  Names Some() {
    Names out;
    for (size_t i = Below(3) + 1; i > 0; --i) {
      out.push_back(Name());
    }
    return out;
  }
  std::string Path() { return OneIn(5) ? "/" : "/" + Name() + (OneIn(2) ? "/" + Name() : ""); }

 private:
  std::minstd_rand random_;
};

std::string FieldName(Random& random) {
  static constexpr const char* kFields[] = {"subject", "kind", "filter", "groups", "groups"};
  const size_t at = random.Below(7);
  return at < 5 ? kFields[at] : (at == 5 ? "claims." : "attributes.") + random.Name();
}

PolicyConditionPtr RandomCondition(Random& random) {
  switch (random.Below(5)) {
    case 0:
      return IsAuthenticated(random.OneIn(2));
    case 1:
      return MethodIn(random.OneIn(2) ? Names{"GET", "PURGE"} : Names{"POST"});
    case 2:
      return PathIn({random.Path(), random.Path()});
    case 3: {
      const std::string prefix = random.Path();
      return PathUnder({prefix == "/" ? "" : prefix});
    }
    default:
      return IdentityHas(*IdentityField::Parse(FieldName(random)),
                         static_cast<Quantifier>(random.Below(3)),
                         random.OneIn(6) ? Names{"jwt"} : random.Some(), random.OneIn(2));
  }
}

std::vector<PolicyRule> RandomRules(Random& random) {
  std::vector<PolicyRule> rules(30);
  for (PolicyRule& rule : rules) {
    rule.dry_run = random.OneIn(6);
    rule.priority = static_cast<int>(random.Below(3));
    for (size_t i = random.Below(3) + 2; i > 0; --i) {
      rule.conditions.push_back(RandomCondition(random));
    }
  }
  return rules;
}

// Somebody, and what is pointed to.
struct Caller {
  explicit Caller(Random& random)
      : subject(random.Name()), groups(random.Some()), texts(random.Some()) {
    for (const std::string& group : groups) {
      group_views.push_back(group);
    }
    for (size_t i = 0; i + 1 < texts.size(); i += 2) {
      values.push_back({texts[i], texts[i + 1]});
    }
    identity = {.kind = IdentityKind::kJwt,
                .filter = groups.front(),
                .subject = subject,
                .groups = group_views,
                .claims = values,
                .attributes = values};
  }
  std::string subject;
  Names groups;
  Names texts;
  std::vector<std::string_view> group_views;
  std::vector<IdentityValue> values;
  Identity identity;
};

size_t FirstThatApplies(const AccessPolicy& policy, PolicyRequest& request, bool dry_run) {
  for (size_t i = 0; i < policy.rules().size(); ++i) {
    if (policy.rules()[i].dry_run == dry_run && policy.rules()[i].Applies(request)) {
      return i;
    }
  }
  return AccessPolicy::kNoRule;
}

TEST(PolicyTest, TheFirstThatAppliesDecidesHoweverLongTheListIs) {
  Random random(7);
  size_t decided = 0;
  for (int round = 0; round < 300; ++round) {
    const AccessPolicy policy(RandomRules(random));
    for (int i = 0; i < 30; ++i) {
      ArenaPool pool;
      Arena arena(pool);
      http::RequestHead head(arena);
      head.method_name = random.OneIn(2) ? "GET" : random.OneIn(2) ? "PURGE" : "POST";
      head.method = http::ParseMethod(head.method_name);
      const std::string path = random.Path();
      head.path = path;
      const Caller caller(random);
      observe::StreamInfo info;
      info.identity = random.OneIn(4) ? nullptr : &caller.identity;
      PolicyRequest request(head, info);
      const AccessPolicy::Verdict verdict = policy.Decide(request);
      EXPECT_EQ(verdict.rule, FirstThatApplies(policy, request, false));
      const size_t dry = FirstThatApplies(policy, request, true);
      EXPECT_EQ(verdict.dry_run, dry < verdict.rule ? dry : AccessPolicy::kNoRule);
      decided += verdict.rule != AccessPolicy::kNoRule ? 1 : 0;
    }
  }
  EXPECT_GT(decided, 2000u);  // Of 9000: the requests meet the rules.
}

}  // namespace
}  // namespace gatehouse::filters
