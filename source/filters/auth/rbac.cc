// SPDX-License-Identifier: Apache-2.0
// Lets requests in, or answers them 403, by who is calling and what for.
//
//   rbac:
//     dry_run: false
//     rules:
//       - {name: admins, action: allow, groups: [admins]}
//       - {name: readers, action: allow, authenticated: true, methods: [GET, HEAD]}
//
// Rules are asked by priority, then in order; the first that applies decides, and when none does,
// the request is denied. Who is calling was found out by a filter before this one; nobody known
// gets 403 as well, not 401: what would be accepted is for that filter to say.
//
// With dry_run, of the whole or of a rule, what would have happened is counted and logged.
// policy_config.cc has the conditions.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/filters/auth/policy.h"
#include "source/filters/auth/policy_config.h"
#include "source/filters/builtin.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

class RbacDefinition final : public pipeline::FilterDefinition {
 public:
  RbacDefinition(AccessPolicy policy, bool dry_run, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        policy_(std::move(policy)),
        dry_run_(dry_run),
        allowed_(context.Counter("rbac", "allowed", "Requests that a rule let in.")),
        denied_(context.Counter("rbac", "denied",
                                "Requests refused by a rule, or because none applied.")),
        would_deny_(context.Counter("rbac", "would_deny",
                                    "Requests let in that would be refused without `dry_run`.")),
        decided_(context.Counters("rbac", "decided",
                                  "Requests that the rule decided, or with `dry_run` would have "
                                  "decided.",
                                  "rule", NamesOf(policy_))),
        told_(std::make_unique<log::Repeated[]>(policy_.rules().size() + 1)) {
    for (const PolicyRule& rule : policy_.rules()) {
      const std::string by = " by rule \"" + rule.name + "\"";
      verdicts_.push_back({"allowed" + by, "would be denied" + by, "denied" + by});
      for (const PolicyConditionPtr& condition : rule.conditions) {
        needs_identity = needs_identity || condition->OfIdentity();
      }
    }
    verdicts_.push_back({"allowed", "would be denied: no rule applies", "denied: no rule applies"});
  }

  pipeline::Filter* NewFilter(Stream&) const override { return &gate_; }

  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override {
    PolicyRequest request(head, info);
    return policy_.Explain(request) + (dry_run_ ? "; with dry_run, every request passes" : "");
  }

 private:
  // Keeps nothing of a stream, so one serves all.
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const RbacDefinition& rbac) : rbac_(rbac) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      return rbac_.Judge(head, stream);
    }

   private:
    const RbacDefinition& rbac_;
  };

  static std::vector<std::string_view> NamesOf(const AccessPolicy& policy) {
    std::vector<std::string_view> out;
    for (const PolicyRule& rule : policy.rules()) {
      out.push_back(rule.name);
    }
    return out;
  }

  Action Judge(const http::RequestHead& head, Stream& stream) const {
    PolicyRequest request(head, stream.info());
    const AccessPolicy::Verdict verdict = policy_.Decide(request);
    const bool allows = policy_.Allows(verdict.rule);
    const bool would_allow = policy_.Allows(verdict.first());
    for (const size_t rule : {verdict.rule, verdict.dry_run}) {
      if (rule != AccessPolicy::kNoRule) {
        stream.Count(decided_[rule]);
      }
    }
    const bool passes = allows || dry_run_;
    if (passes != would_allow) {
      Tell(would_allow, verdict.first(), head, stream);
    }
    if (!passes) {
      return Deny(verdict.rule, stream);
    }
    stream.Count(would_allow ? allowed_ : would_deny_);
    stream.AddVerdict(name, verdicts_[IndexOf(verdict.first())][would_allow ? 0 : 1]);
    return Action::kContinue;
  }

  // Of what is kept by rule, and once for none.
  size_t IndexOf(size_t rule) const {
    return rule == AccessPolicy::kNoRule ? policy_.rules().size() : rule;
  }

  Action Deny(size_t rule, Stream& stream) const {
    stream.Count(denied_);
    stream.AddVerdict(name, verdicts_[IndexOf(rule)][2]);
    const std::string_view who = name;
    return stream.ReplyError(
        ErrorCode::kNotPermitted,
        rule == AccessPolicy::kNoRule
            ? stream.arena().Concat(who, ": no rule applies")
            : stream.arena().Concat(who, ": rule \"", policy_.rules()[rule].name, "\" denies"));
  }

  // What dry_run has prevented.
  void Tell(bool allowing, size_t rule, const http::RequestHead& head, Stream& stream) const {
    const bool none = rule == AccessPolicy::kNoRule;
    const auto held = told_[IndexOf(rule)].Admit(stream.now());
    if (!held) {
      return;
    }
    const observe::StreamInfo& info = stream.info();
    log::Info(allowing ? "rbac would allow" : "rbac would deny",
              {{"filter", name},
               {"rule", none ? std::string_view("none") : policy_.rules()[rule].name},
               {"subject", info.identity == nullptr ? std::string_view() : info.identity->subject},
               {"method", head.method_name},
               {"path", head.path},
               {"client", info.client.ToString()},
               {"route", info.route},
               {"held_back", *held}});
  }

  const AccessPolicy policy_;
  const bool dry_run_;
  const observe::MetricId allowed_;
  const observe::MetricId denied_;
  const observe::MetricId would_deny_;
  const std::vector<observe::MetricId> decided_;  // By rule.
  // By rule, and one for none: what was logged of late.
  const std::unique_ptr<log::Repeated[]> told_;
  // The same: "allowed by rule", "would be denied by rule", "denied by rule".
  std::vector<std::array<std::string, 3>> verdicts_;
  mutable Gate gate_{*this};
};

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  AccessPolicy policy(LoadPolicyRules(in));
  const bool dry_run = in.Bool(
      "dry_run", false, "Let every request pass; count and log those that would be refused.");
  return std::make_shared<RbacDefinition>(std::move(policy), dry_run, context);
}

// Rules in which each key stands in every form that it may have, for the schema.
std::string EveryForm() {
  // Of names, and the same of kinds.
  static constexpr std::pair<std::string_view, std::string_view> kOfNames[] = {
      {"a", "jwt"},
      {"[a, b]", "[jwt, basic]"},
      {"{any: [a], all: [b], none: [c]}", "{any: [jwt], all: [jwt], none: [basic]}"},
      {"{any: a, all: b, none: c}", "{any: jwt, all: jwt, none: basic}"}};
  static constexpr std::string_view kOfValues[] = {
      "a", "{prefix: a}", "{suffix: a}", "{contains: a}", "{regex: a+}", "{present: false}"};
  std::string out = "rules: [";
  size_t count = 0;
  const auto add = [&](std::string_view conditions) {
    out.append("{name: r").append(std::to_string(++count)).append(", action: allow, ");
    out.append(conditions).append("}, ");
  };
  const auto fields = [&](std::string_view form, std::string_view kind) {
    std::string text;
    for (const std::string_view key : {"identity: {subject: ", "kind: ", "filter: ", "}, groups: ",
                                       "claims: {NAME: ", "}, attributes: {NAME: "}) {
      text.append(text.empty() || key.starts_with('}') ? "" : ", ").append(key);
      text.append(key.starts_with("kind") ? kind : form);
    }
    add(text + "}");
  };
  for (const auto& [form, kind] : kOfNames) {
    fields(form, kind);
  }
  for (const std::string_view form : kOfValues) {
    fields(form, form == "a" ? "jwt" : form);
    std::string text;
    for (const std::string_view key : {"headers", "query", "cookies", "labels"}) {
      text.append(text.empty() ? "" : ", ")
          .append(key)
          .append(": {NAME: ")
          .append(form)
          .append("}");
    }
    add(text);
  }
  for (const std::string_view path : {"path: /a", "path: [/a]", "path_prefix: /a",
                                      "path_prefix: [/a]", "path_regex: /a", "path_regex: [/a]"}) {
    add(path);
  }
  return out + "]";
}

}  // namespace

pipeline::FilterType Rbac() {
  static const std::string every_form = EveryForm();
  return {"rbac",
          Load,
          "Lets requests in, or denies them, by who is calling and what for.",
          {"dry_run: false, rules: [{name: admins, action: allow, priority: 10, dry_run: false, "
           "authenticated: true, identity: {subject: alice, kind: jwt, filter: tokens}, "
           "groups: [admins, ops], claims: {tenant: acme}, attributes: {plan: [gold, silver]}, "
           "methods: [GET, POST], hosts: [\"*.example.com\"], path_prefix: /admin, "
           "client_ip: [10.0.0.0/8], headers: {x-team: ops}, query: {debug: {present: false}}, "
           "cookies: {beta: \"1\"}, labels: {version: v2}}, "
           "{name: me, action: allow, host: www.example.com, path: /me}, "
           "{name: assets, action: deny, path_regex: \"/[a-z]+[.]js\"}]",
           every_form}};
}

}  // namespace gatehouse::filters
