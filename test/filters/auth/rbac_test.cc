// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using observe::Identity;
using observe::IdentityKind;
using observe::IdentityValue;
using pipeline::FilterHarness;
using pipeline::HarnessFields;

constexpr std::array<std::string_view, 2> kGroups = {"staff", "ops"};
constexpr std::array<IdentityValue, 5> kClaims = {{{"tenant", "acme"},
                                                   {"roles", "reader"},
                                                   {"roles", "writer"},
                                                   {"email", "alice@example.com"},
                                                   {"level", "3"}}};
constexpr std::array<IdentityValue, 1> kAttributes = {{{"plan", "gold"}}};
constexpr Identity kAlice = {.kind = IdentityKind::kJwt,
                             .filter = "tokens",
                             .subject = "alice",
                             .groups = kGroups,
                             .claims = kClaims,
                             .attributes = kAttributes};
constexpr Identity kBob = {.kind = IdentityKind::kApiKey, .filter = "keys", .subject = "bob"};

// The status of GET / for `identity`; 0 when it passes.
int StatusFor(FilterHarness& h, const Identity* identity) {
  h.End();
  h.facts().identity = identity;
  h.Get();
  EXPECT_EQ(h.forwarded(), h.reply().status == 0);
  return h.reply().status;
}

// Whether one rule with these conditions applies.
bool Applies(const std::string& conditions, const Identity* identity,
             std::string_view action = "allow") {
  const std::string rule = "{name: r, action: " + std::string(action) + ", " + conditions + "}";
  const std::string rules = action == "allow" ? rule : rule + ", {name: rest, action: allow}";
  FilterHarness h(Rbac(), "rules: [" + rules + "]");
  EXPECT_EQ(h.diagnostics(), "") << conditions;
  return (StatusFor(h, identity) == 0) == (action == "allow");
}
bool AppliesToAlice(const std::string& conditions) { return Applies(conditions, &kAlice); }

bool AppliesTo(const std::string& conditions, std::string_view method, std::string_view target,
               const HarnessFields& fields = {}) {
  FilterHarness h(Rbac(), "rules: [{name: r, action: allow, " + conditions + "}]");
  EXPECT_EQ(h.diagnostics(), "") << conditions;
  h.Request(method, target, fields);
  return h.forwarded();
}

TEST(RbacTest, WhatNoRuleAllowsIsDenied) {
  FilterHarness h(Rbac(), "{type: rbac, rules: [{name: ops, action: allow, groups: ops}]}",
                  {.name = "gate"});
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, &kAlice), 0);
  EXPECT_EQ(StatusFor(h, &kBob), 403);
  EXPECT_EQ(h.reply().error, ErrorCode::kNotPermitted);
  EXPECT_EQ(h.reply().detail, "gate: no rule applies");
  EXPECT_EQ(StatusFor(h, nullptr), 403);
  EXPECT_EQ(h.reply().headers, HarnessFields{});
  EXPECT_EQ(h.Counter("allowed"), 1);
  EXPECT_EQ(h.Counter("denied"), 2);
  EXPECT_EQ(h.Counter("would_deny"), 0);
}

TEST(RbacTest, TheFirstRuleThatAppliesDecides) {
  FilterHarness h(Rbac(), R"({rules: [
    {name: all, action: allow},
    {name: low, action: allow, priority: -1},
    {name: no-alice, action: deny, priority: 5, identity: {subject: alice}},
    {name: vip, action: allow, priority: 7, claims: {roles: owner}},
    {name: too-late, action: allow, priority: 5, identity: {subject: alice}}]})");
  EXPECT_EQ(StatusFor(h, &kAlice), 403);
  EXPECT_EQ(h.reply().detail, "rbac: rule \"no-alice\" denies");
  EXPECT_EQ(StatusFor(h, &kBob), 0);
  const auto decided = [&](const char* rule) {
    return h.metrics().Sum("gatehouse_filter_rbac_decided_total",
                           {{"filter", "rbac"}, {"rule", rule}});
  };
  EXPECT_EQ(decided("no-alice"), 1);
  EXPECT_EQ(decided("all"), 1);
  EXPECT_EQ(decided("vip"), 0);
}

TEST(RbacTest, Groups) {
  EXPECT_TRUE(AppliesToAlice("groups: ops"));
  EXPECT_TRUE(AppliesToAlice("groups: [admins, ops]"));
  EXPECT_FALSE(AppliesToAlice("groups: [admins, op]"));
  EXPECT_TRUE(AppliesToAlice("groups: {any: [admins, ops]}"));
  EXPECT_TRUE(AppliesToAlice("groups: {all: [ops, staff]}"));
  EXPECT_FALSE(AppliesToAlice("groups: {all: [ops, admins]}"));
  EXPECT_FALSE(AppliesToAlice("groups: {none: [banned, staff]}"));
  EXPECT_TRUE(AppliesToAlice("groups: {all: [ops], none: [banned]}"));
  EXPECT_TRUE(AppliesToAlice("groups: {prefix: st}"));
  EXPECT_FALSE(AppliesToAlice("groups: {present: false}"));
  EXPECT_TRUE(Applies("groups: {present: false}", &kBob));
  EXPECT_TRUE(AppliesToAlice("groups: [g1, g2, g3, g4, g5, g6, g7, g8, g9, ops]"));
  EXPECT_FALSE(AppliesToAlice("groups: [g1, g2, g3, g4, g5, g6, g7, g8, g9, opsx]"));
}

TEST(RbacTest, ClaimsAndAttributes) {
  EXPECT_TRUE(AppliesToAlice("claims: {tenant: acme}"));
  EXPECT_FALSE(AppliesToAlice("claims: {tenant: ACME}"));
  EXPECT_TRUE(AppliesToAlice("claims: {roles: writer, level: 3}"));
  EXPECT_FALSE(AppliesToAlice("claims: {roles: writer, level: 4}"));
  EXPECT_TRUE(AppliesToAlice("claims: {roles: {all: [reader, writer]}}"));
  EXPECT_FALSE(AppliesToAlice("claims: {roles: {all: [reader, owner]}}"));
  EXPECT_TRUE(AppliesToAlice("claims: {roles: {none: [owner]}}"));
  EXPECT_FALSE(AppliesToAlice("claims: {roles: {none: [owner, writer]}}"));
  EXPECT_TRUE(AppliesToAlice("claims: {email: {suffix: '@example.com'}}"));
  EXPECT_TRUE(AppliesToAlice("claims: {email: {regex: 'al.*com'}}"));
  EXPECT_FALSE(AppliesToAlice("claims: {email: {regex: 'al'}}"));
  EXPECT_TRUE(AppliesToAlice("claims: {roles: {contains: writ}}"));
  EXPECT_TRUE(AppliesToAlice("claims: {plan: {present: false}}"));
  EXPECT_TRUE(AppliesToAlice("attributes: {plan: [silver, gold]}"));
  EXPECT_FALSE(AppliesToAlice("claims: {plan: gold}"));
  EXPECT_FALSE(AppliesToAlice("attributes: {tenant: acme}"));
}

TEST(RbacTest, TheIdentityItself) {
  EXPECT_TRUE(AppliesToAlice("identity: {subject: alice, kind: jwt, filter: tokens}"));
  EXPECT_TRUE(AppliesToAlice("identity: {subject: [bob, alice]}"));
  EXPECT_TRUE(AppliesToAlice("identity: {subject: {prefix: al}}"));
  EXPECT_FALSE(AppliesToAlice("identity: {kind: [basic, api_key]}"));
  EXPECT_TRUE(Applies("identity: {kind: [basic, api_key]}", &kBob));
  EXPECT_FALSE(Applies("identity: {filter: tokens}", &kBob));
  EXPECT_TRUE(AppliesToAlice("authenticated: true"));
  EXPECT_FALSE(AppliesToAlice("authenticated: false"));
  EXPECT_FALSE(Applies("authenticated: true", nullptr));
  EXPECT_TRUE(Applies("authenticated: false", nullptr));
}

// What negates lets nobody in who is not known, and denies them.
TEST(RbacTest, WithoutIdentity) {
  for (const char* positive :
       {"groups: [ops]", "groups: {all: [ops]}", "claims: {plan: {prefix: g}}",
        "identity: {subject: {present: true}}"}) {
    EXPECT_FALSE(Applies(positive, nullptr)) << positive;
    EXPECT_FALSE(Applies(positive, nullptr, "deny")) << positive;
  }
  for (const char* negative :
       {"groups: {none: [ops]}", "claims: {plan: {present: false}}",
        "attributes: {plan: {none: [gold]}}", "identity: {kind: {none: [jwt]}}"}) {
    EXPECT_FALSE(Applies(negative, nullptr)) << negative;
    EXPECT_TRUE(Applies(negative, nullptr, "deny")) << negative;
  }
  EXPECT_FALSE(Applies("groups: {any: [ops], none: [banned]}", nullptr, "deny"));
}

TEST(RbacTest, Requests) {
  EXPECT_TRUE(AppliesTo("methods: [GET, PURGE]", "GET", "/"));
  EXPECT_TRUE(AppliesTo("methods: [GET, PURGE]", "PURGE", "/"));
  EXPECT_FALSE(AppliesTo("methods: [GET, PURGE]", "POST", "/"));
  EXPECT_FALSE(AppliesTo("methods: [GET, PURGE]", "PROPFIND", "/"));
  EXPECT_TRUE(
      AppliesTo("hosts: ['*.example.org', a.test]", "GET", "/", {{"host", "b.example.org"}}));
  EXPECT_FALSE(AppliesTo("hosts: ['*.example.org', a.test]", "GET", "/", {{"host", "b.test"}}));
  EXPECT_TRUE(AppliesTo("host: a.test", "GET", "/", {{"host", "a.test:8080"}}));
  EXPECT_TRUE(AppliesTo("path: [/a, /b]", "GET", "/b?x=1"));
  EXPECT_FALSE(AppliesTo("path: /a", "GET", "/a/"));
  EXPECT_TRUE(AppliesTo("path_prefix: [/a/, /b]", "GET", "/a"));
  EXPECT_FALSE(AppliesTo("path_prefix: [/a, /b]", "GET", "/ab"));
  EXPECT_TRUE(AppliesTo("path_prefix: /", "GET", "/any"));
  EXPECT_TRUE(AppliesTo("path_regex: ['/x', '/[a-z]+[.]js']", "GET", "/main.js"));
  EXPECT_FALSE(AppliesTo("path_regex: '/[a-z]+[.]js'", "GET", "/main.json"));
  EXPECT_TRUE(AppliesTo("headers: {X-Team: {prefix: op}}", "GET", "/", {{"x-team", "ops"}}));
  EXPECT_FALSE(AppliesTo("headers: {x-team: ops}", "GET", "/"));
  EXPECT_TRUE(AppliesTo("query: {v: '1 2'}", "GET", "/?v=1+2"));
  EXPECT_FALSE(AppliesTo("query: {v: {present: false}}", "GET", "/?%76=1"));
  EXPECT_TRUE(AppliesTo("cookies: {beta: '1'}", "GET", "/", {{"cookie", "a=b; beta=1"}}));
  EXPECT_FALSE(AppliesTo("cookies: {beta: '1'}", "GET", "/", {{"cookie", "beta=2"}}));
}

TEST(RbacTest, ClientsAndLabels) {
  FilterHarness h(Rbac(), R"({rules: [
    {name: office, action: allow, client_ip: [10.0.0.0/8, "2001:db8::/32"]},
    {name: v2, action: allow, labels: {version: v2, zone: {present: false}}}]})");
  EXPECT_EQ(h.diagnostics(), "");
  h.ConnectThrough("192.0.2.1", "10.1.2.3");
  EXPECT_EQ(StatusFor(h, nullptr), 0);
  h.ConnectFrom("192.0.2.1");
  EXPECT_EQ(StatusFor(h, nullptr), 403);
  std::vector<std::pair<std::string, std::string>> labels = {{"version", "v2"}};
  h.End();
  h.facts().labels = &labels;
  EXPECT_EQ(StatusFor(h, nullptr), 0);
  labels.emplace_back("zone", "a");
  EXPECT_EQ(StatusFor(h, nullptr), 403);
}

TEST(RbacTest, DryRunOfTheWholeLetsEverythingPass) {
  FilterHarness h(Rbac(), "{dry_run: true, rules: [{name: ops, action: allow, groups: ops}]}");
  EXPECT_EQ(StatusFor(h, nullptr), 0);
  EXPECT_EQ(StatusFor(h, &kAlice), 0);
  EXPECT_EQ(h.Counter("would_deny"), 1);
  EXPECT_EQ(h.Counter("allowed"), 1);
  EXPECT_EQ(h.Counter("denied"), 0);
}

TEST(RbacTest, ARuleWithDryRunIsOnlyCounted) {
  FilterHarness h(Rbac(), R"({rules: [
    {name: no-bob, action: deny, dry_run: true, identity: {subject: bob}},
    {name: guests, action: allow, dry_run: true, authenticated: false},
    {name: known, action: allow, authenticated: true}]})");
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, &kBob), 0);
  EXPECT_EQ(h.Counter("would_deny"), 1);
  EXPECT_EQ(h.Counter("allowed"), 0);
  EXPECT_EQ(StatusFor(h, nullptr), 403);  // What `guests` would allow is not allowed yet.
  EXPECT_EQ(h.reply().detail, "rbac: no rule applies");
  EXPECT_EQ(h.Counter("denied"), 1);
  for (const auto& [rule, count] : {std::pair("no-bob", 1), {"guests", 1}, {"known", 1}}) {
    EXPECT_EQ(h.metrics().Sum("gatehouse_filter_rbac_decided_total",
                              {{"filter", "rbac"}, {"rule", rule}}),
              count)
        << rule;
  }
}

TEST(RbacTest, ARouteReplacesTheRules) {
  FilterHarness h(Rbac(), "rules: [{name: ops, action: allow, groups: ops}]");
  h.Override("rules: [{name: bob, action: allow, identity: {subject: bob}}]");
  EXPECT_EQ(StatusFor(h, &kBob), 0);
  EXPECT_EQ(StatusFor(h, &kAlice), 403);
}

class RbacExplainTest : public testing::Test {
 protected:
  std::string Explain(std::string_view yaml, const Identity* identity) {
    FilterHarness h(Rbac(), yaml);
    EXPECT_EQ(h.diagnostics(), "");
    h.facts().identity = identity;
    h.Get("/admin/users");
    return h.definition().Explain(h.request(), h.stream().info());
  }
  static constexpr std::string_view kRules = R"({rules: [
    {name: admins, action: allow, groups: [admins, ops], path_prefix: /admin},
    {name: no-guests, action: deny, groups: {none: [staff]}},
    {name: rest, action: allow}]})";
};

TEST_F(RbacExplainTest, TheRuleThatDecides) {
  EXPECT_EQ(Explain(kRules, &kAlice),
            "rule \"admins\" allows: groups has admins or ops, path is under /admin");
  EXPECT_EQ(Explain(kRules, &kBob),
            "rule \"no-guests\" denies: groups has none of staff; rule \"admins\" would allow if "
            "groups has admins or ops");
  EXPECT_EQ(Explain(kRules, nullptr),
            "rule \"no-guests\" denies: groups has none of staff; rule \"admins\" would allow if "
            "groups has admins or ops (nobody is authenticated)");
  EXPECT_EQ(Explain("rules: [{name: all, action: allow}]", nullptr),
            "rule \"all\" allows every request");
}

TEST_F(RbacExplainTest, NoRuleAndDryRun) {
  EXPECT_EQ(Explain("rules: [{name: a, action: allow, claims: {tenant: x}}]", &kAlice),
            "no rule applies, so it denies; rule \"a\" would allow if claims.tenant is x");
  EXPECT_EQ(Explain("{dry_run: true, rules: [{name: a, action: deny}]}", &kAlice),
            "rule \"a\" denies every request; with dry_run, every request passes");
  EXPECT_EQ(
      Explain(R"(rules: [{name: a, action: deny, dry_run: true, methods: [GET]},
                               {name: b, action: allow}])",
              &kAlice),
      "rule \"a\" has dry_run and would deny: method is GET; rule \"b\" allows every request");
}

TEST(RbacTest, Mistakes) {
  for (const auto& [yaml, column] : {std::pair("{dry_run: true}", "1"), {"{rules: []}", "9"}}) {
    EXPECT_EQ(FilterHarness(Rbac(), yaml).diagnostics(),
              std::string("filter.yaml:1:") + column +
                  ": rules: needs at least one rule: what no rule allows is denied\n");
  }
  EXPECT_EQ(
      FilterHarness(Rbac(), R"({rules: [
    {name: a, action: permit, groups: [], group: x},
    {action: allow, priority: 1.5, path: /a, path_prefix: /b},
    {name: a, claims: {tenant: {}, x: {any: [b], prefix: c}}, methods: [get]},
    {name: b c, action: allow, authenticated: false, identity: {subject: x, kin: y}},
    {name: d, action: allow, path_regex: '(', hosts: [], client_ip: [10.0.0.0/33]},
    allow]})")
          .diagnostics(),
      "filter.yaml:2:23: rules[0].action: unknown value \"permit\"; one of: allow, deny\n"
      "filter.yaml:2:39: rules[0].groups: is empty; leave it out to ask for nothing\n"
      "filter.yaml:2:43: rules[0].group: unknown key\n"
      "filter.yaml:3:5: rules[1]: needs a name, by which logs and metrics call it\n"
      "filter.yaml:3:31: rules[1].priority: must be a whole number\n"
      "filter.yaml:3:59: rules[1].path_prefix: a rule has at most one of path, path_prefix, "
      "path_regex\n"
      "filter.yaml:4:5: rules[2]: needs an action: allow or deny\n"
      "filter.yaml:4:12: rules[2].name: the name \"a\" is taken by the rule at filter.yaml:2:12\n"
      "filter.yaml:4:24: rules[2].claims.tenant: expected a value, a list, or one of any, all, "
      "none, prefix, suffix, contains, regex, present\n"
      "filter.yaml:4:58: rules[2].claims.x.prefix: can't stand beside \"any\": a value has one "
      "test\n"
      "filter.yaml:4:73: rules[2].methods[0]: methods are case-sensitive, and \"get\" is none that "
      "clients send (did you mean \"GET\"?)\n"
      "filter.yaml:5:12: rules[3].name: a name is not empty and has no spaces or control "
      "characters\n"
      "filter.yaml:5:47: rules[3].authenticated: contradicts what the rule asks of the caller: it "
      "would never apply\n"
      "filter.yaml:5:77: rules[3].identity.kin: unknown key (did you mean \"kind\"?)\n"
      "filter.yaml:6:42: rules[4].path_regex: the regular expression is wrong: missing ): ( at "
      "character 1\n"
      "filter.yaml:6:54: rules[4].hosts: is empty; leave it out to match all\n"
      "filter.yaml:6:70: rules[4].client_ip[0]: \"10.0.0.0/33\" has a prefix length that is not "
      "between 0 and 32\n"
      "filter.yaml:7:5: rules[5]: expected a rule, such as {name: admins, action: allow, groups: "
      "[admins]}\n");
}

TEST(RbacTest, ARuleThatNeverDecides) {
  EXPECT_EQ(FilterHarness(Rbac(), R"({rules: [
    {name: first, action: allow, groups: x},
    {name: all, action: deny, priority: 3},
    {name: trial, action: deny, priority: 5, dry_run: true}]})")
                .diagnostics(),
            "filter.yaml:2:5: warning: rules[0]: never decides: rule \"all\", which is asked "
            "before it, has no conditions\n");
}

}  // namespace
}  // namespace gatehouse::filters
