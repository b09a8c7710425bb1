// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/policy_config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "source/base/arena.h"
#include "source/base/text.h"
#include "source/pipeline/host_path.h"
#include "source/pipeline/path_config.h"
#include "source/pipeline/request_config.h"
#include "source/pipeline/value_config.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using observe::IdentityField;
using pipeline::ValueMatch;

// The texts of a value or a list of them; empty after a mistake.
std::vector<std::string> Texts(const Value& value) {
  std::vector<std::string> out;
  if (!value.IsList()) {
    std::string text = value.String();
    return value.IsScalar() ? std::vector{std::move(text)} : out;
  }
  const std::vector<Value> elements = value.List();
  if (elements.empty()) {
    value.Error("is empty; leave it out to ask for nothing");
  }
  for (const Value& element : elements) {
    std::string text = element.String();
    if (std::find(out.begin(), out.end(), text) != out.end()) {
      element.Warning("\"" + text + "\" is listed twice");
    } else if (element.IsScalar()) {
      out.push_back(std::move(text));
    }
  }
  return out;
}

void CheckKinds(const std::vector<std::string>& names, const Value& value) {
  static constexpr std::string_view kKinds[] = {"jwt", "basic", "api_key", "forward_auth",
                                                "client_certificate"};
  for (const std::string& name : names) {
    if (!observe::ParseKind(name)) {
      value.Error("\"" + name + "\" is not a kind of credentials",
                  std::string(Nearest(name, kKinds)));
    }
  }
}

// The conditions of one rule.
class RuleLoader {
 public:
  RuleLoader(Object& in, bool denies, Arena& arena, pipeline::RegexCache& regexes)
      : in_(in), denies_(denies), arena_(arena), regexes_(regexes) {}

  std::vector<PolicyConditionPtr> Run() && {
    LoadIdentity();
    LoadMethods();
    LoadHosts();
    LoadPaths();
    LoadClientIp();
    LoadValues();
    return std::move(out_);
  }

 private:
  using LoadMatches = void (*)(Object&, pipeline::RegexCache&, std::vector<ValueMatch>&);

  void Add(PolicyConditionPtr condition) { out_.push_back(std::move(condition)); }

  void LoadIdentity();
  void LoadAuthenticated();
  void LoadNamed(std::string_view key, const About& about);
  void LoadField(std::string_view name, const Value& value);
  void LoadFieldMap(const IdentityField& field, const Value& value);
  void LoadQuantified(const IdentityField& field, Quantifier quantifier, const Value& value);
  void LoadMethods();
  void LoadHosts();
  void LoadPaths();
  std::vector<std::string> LoadPathList(const Value& value);
  void LoadClientIp();
  void LoadValues();
  void LoadRequestValues(LoadMatches load, PolicyConditionPtr (*make)(ValueMatch));

  Object& in_;
  const bool denies_;
  Arena& arena_;
  pipeline::RegexCache& regexes_;
  std::vector<PolicyConditionPtr> out_;
};

void RuleLoader::LoadIdentity() {
  {
    Object in = in_.Child("identity", "Who is calling, as a filter found out: all of these.");
    LoadField("subject", in.Get("subject", "Who: a value, some of them, or a test."));
    LoadField("kind", in.Get("kind",
                             "By which kind of credentials: `jwt`, `basic`, `api_key`, "
                             "`forward_auth` or `client_certificate`."));
    LoadField("filter", in.Get("filter", "The name of the filter that found out."));
    if (in.present() && out_.empty()) {
      in_.Error("identity", "asks for nothing: it may hold subject, kind and filter");
    }
  }
  LoadField("groups", in_.Get("groups",
                              "Groups that the caller is in: one of a list, or `{any: [...]}`, "
                              "`{all: [...]}`, `{none: [...]}`."));
  LoadNamed("claims",
            "What the caller's credentials say, by name: a value, one of a list, a test, or "
            "`{any: [...]}`, `{all: [...]}`, `{none: [...]}`.");
  LoadNamed("attributes",
            "What the configuration says of the caller, by name, as `claims` are asked for.");
  LoadAuthenticated();
}

void RuleLoader::LoadAuthenticated() {
  const Value value = in_.Get(
      "authenticated", "Whether anybody has been authenticated; left out, it does not matter.");
  if (!value.present()) {
    return;
  }
  const bool wanted = value.Bool();
  if (!wanted && !out_.empty()) {
    value.Error("contradicts what the rule asks of the caller: it would never apply");
  }
  Add(IsAuthenticated(wanted));
}

void RuleLoader::LoadNamed(std::string_view key, const About& about) {
  for (const auto& [name, value] : in_.Entries(key, about)) {
    if (name.empty()) {
      value.Error("the name is empty");
    } else {
      LoadField(std::string(key) + "." + name, value);
    }
  }
}

void RuleLoader::LoadField(std::string_view name, const Value& value) {
  if (!value.present()) {
    return;
  }
  const Result<IdentityField> field = IdentityField::Parse(name);
  if (!field) {
    value.Error(field.error().message);
  } else if (value.IsMap()) {
    LoadFieldMap(*field, value);
  } else {
    LoadQuantified(*field, Quantifier::kAny, value);
  }
}

void RuleLoader::LoadFieldMap(const IdentityField& field, const Value& value) {
  Object in = value.Map();
  std::string_view quantified;
  for (const auto& [key, quantifier, help] :
       {std::tuple<std::string_view, Quantifier, std::string_view>{"any", Quantifier::kAny,
                                                                   "It has one of these."},
        {"all", Quantifier::kAll, "It has all of these."},
        {"none", Quantifier::kNone, "It has none of these."}}) {
    const Value found = in.Get(key, help);
    if (found.present()) {
      LoadQuantified(field, quantifier, found);
      quantified = key;
    }
  }
  ValueMatch match;
  std::string_view first = quantified;
  pipeline::LoadValueTest(in, first, regexes_, match);
  if (first.empty()) {
    value.Error(
        "expected a value, a list, or one of any, all, none, prefix, suffix, contains, regex, "
        "present");
  } else if (quantified.empty()) {
    const bool negative = match.kind == ValueMatch::Kind::kAbsent;
    Add(IdentityMatches(field, std::move(match), negative && denies_));
  }
}

void RuleLoader::LoadQuantified(const IdentityField& field, Quantifier quantifier,
                                const Value& value) {
  std::vector<std::string> names = Texts(value);
  if (field.text() == "kind") {
    CheckKinds(names, value);
  }
  if (!names.empty()) {
    const bool negative = quantifier == Quantifier::kNone;
    Add(IdentityHas(field, quantifier, std::move(names), negative && denies_));
  }
}

void RuleLoader::LoadMethods() {
  std::vector<std::string> methods;
  pipeline::LoadMethods(in_, methods);
  if (!methods.empty()) {
    Add(MethodIn(std::move(methods)));
  }
}

void RuleLoader::LoadHosts() {
  std::vector<std::string> hosts;
  pipeline::LoadHosts(in_, arena_, hosts);
  if (!hosts.empty()) {
    Add(HostIn(std::move(hosts)));
  }
}

void RuleLoader::LoadPaths() {
  const Value exact =
      in_.Get("path", About("Exact path, without the query; one or a list.").Type("path"));
  const Value prefix =
      in_.Get("path_prefix",
              About("Path and all below it, by whole segments; one or a list.").Type("path"));
  const Value regex = in_.Get(
      "path_regex",
      About("RE2 expression that the whole path must match; one or a list.").Type("expression"));
  if (exact.present() + prefix.present() + regex.present() > 1) {
    in_.Error(regex.present() ? "path_regex" : "path_prefix",
              "a rule has at most one of path, path_prefix, path_regex");
  }
  if (exact.present()) {
    Add(PathIn(LoadPathList(exact)));
  }
  if (prefix.present()) {
    std::vector<std::string> prefixes = LoadPathList(prefix);
    for (std::string& one : prefixes) {
      one.resize(pipeline::CanonicalPrefix(one).size());
    }
    Add(PathUnder(std::move(prefixes)));
  }
  if (regex.present()) {
    std::vector<std::shared_ptr<const re2::RE2>> expressions;
    for (const Value& one : regex.IsList() ? regex.List() : std::vector{regex}) {
      const std::string pattern = one.String();
      if (auto expression = one.IsScalar() ? regexes_.Regex(one, pattern) : nullptr) {
        expressions.push_back(std::move(expression));
      }
    }
    if (regex.IsList() && regex.size() == 0) {
      regex.Error("is empty; leave it out to ask for nothing");
    }
    Add(PathMatches(std::move(expressions)));
  }
}

std::vector<std::string> RuleLoader::LoadPathList(const Value& value) {
  if (!value.IsList()) {
    return {pipeline::LoadPath(value, arena_)};
  }
  std::vector<std::string> out;
  for (const Value& one : value.List()) {
    out.push_back(pipeline::LoadPath(one, arena_));
  }
  if (out.empty()) {
    value.Error("is empty; leave it out to ask for nothing");
  }
  return out;
}

void RuleLoader::LoadClientIp() {
  std::vector<Cidr> blocks;
  pipeline::LoadClientIp(in_, blocks);
  if (!blocks.empty()) {
    Add(ClientIn(blocks));
  }
}

void RuleLoader::LoadValues() {
  LoadRequestValues(pipeline::LoadHeaderMatches, HeaderIs);
  LoadRequestValues(pipeline::LoadQueryMatches, QueryIs);
  LoadRequestValues(pipeline::LoadCookieMatches, CookieIs);
  for (const auto& [name, value] :
       in_.Entries("labels",
                   "Labels that the route asks of endpoints, by name: a value or a "
                   "test.")) {
    Add(LabelIs(pipeline::LoadValueMatch(name, value, regexes_)));
  }
}

void RuleLoader::LoadRequestValues(LoadMatches load, PolicyConditionPtr (*make)(ValueMatch)) {
  std::vector<ValueMatch> matches;
  load(in_, regexes_, matches);
  for (ValueMatch& match : matches) {
    Add(make(std::move(match)));
  }
}

// The `rules:` of one policy.
class PolicyLoader {
 public:
  std::vector<PolicyRule> Run(const std::vector<Value>& values) && {
    for (const Value& value : values) {
      if (value.IsMap()) {
        LoadRule(value);
      } else {
        value.Error("expected a rule, such as {name: admins, action: allow, groups: [admins]}");
      }
    }
    WarnOfUnreached();
    return std::move(rules_);
  }

 private:
  void LoadRule(const Value& value);
  std::string LoadName(Object& in);
  static bool LoadAllows(Object& in);
  static int LoadPriority(Object& in);
  void WarnOfUnreached() const;

  std::vector<PolicyRule> rules_;
  // Of each rule: where it stands, and whether it has no mistakes.
  std::vector<Value> values_;
  std::vector<bool> sound_;
  std::map<std::string, config::Position, std::less<>> names_;
  config::Diagnostics* diagnostics_ = nullptr;
  ArenaPool pool_;
  Arena arena_{pool_};
  pipeline::RegexCache regexes_;
};

void PolicyLoader::LoadRule(const Value& value) {
  Object in = value.Map();
  diagnostics_ = &in.diagnostics();
  const size_t errors_before = diagnostics_->errors();
  PolicyRule rule;
  rule.name = LoadName(in);
  rule.allows = LoadAllows(in);
  rule.priority = LoadPriority(in);
  rule.dry_run = in.Bool("dry_run", false,
                         "Count and log what the rule would decide, and let the others decide.");
  rule.conditions = RuleLoader(in, !rule.allows, arena_, regexes_).Run();
  rules_.push_back(std::move(rule));
  values_.push_back(value);
  sound_.push_back(diagnostics_->errors() == errors_before);
}

std::string PolicyLoader::LoadName(Object& in) {
  const Value value =
      in.Get("name", About("Name of the rule in logs and metrics, without spaces.").Required());
  std::string name = value.String();
  if (!value.IsScalar()) {
    if (!value.present()) {
      in.Error("needs a name, by which logs and metrics call it");
    }
    return name;
  }
  const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (name.empty() || !printable) {
    value.Error("a name is not empty and has no spaces or control characters");
    return name;
  }
  const auto [other, fresh] = names_.emplace(name, value.position());
  if (!fresh) {
    value.Error("the name \"" + name + "\" is taken by the rule at " +
                diagnostics_->PlaceOf(other->second));
  }
  return name;
}

bool PolicyLoader::LoadAllows(Object& in) {
  const About about = About("Whether requests to which the rule applies pass.").Required();
  if (!in.Has("action")) {
    in.Error("needs an action: allow or deny");
  }
  return in.Enum<bool>("action", {{"allow", true}, {"deny", false}}, false, about);
}

int PolicyLoader::LoadPriority(Object& in) {
  constexpr double kMost = 10'000;
  const double priority =
      in.Number("priority", {.def = 0, .min = -kMost, .max = kMost},
                "Rules with a higher one are asked first; among equals, as declared.");
  if (priority != std::floor(priority)) {
    in.Error("priority", "must be a whole number");
  }
  return static_cast<int>(priority);
}

void PolicyLoader::WarnOfUnreached() const {
  std::vector<size_t> order(rules_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rules_[a].priority > rules_[b].priority; });
  const PolicyRule* last = nullptr;  // That decides whatever comes.
  for (const size_t i : order) {
    if (last != nullptr) {
      values_[i].Warning("never decides: rule \"" + last->name + "\", which is asked before it, " +
                         "has no conditions");
    } else if (sound_[i] && rules_[i].conditions.empty() && !rules_[i].dry_run) {
      last = &rules_[i];
    }
  }
}

}  // namespace

std::vector<PolicyRule> LoadPolicyRules(Object& in) {
  const Value value = in.Get(
      "rules", About("Rules; the first that applies decides, and when none does, the request is "
                     "denied.")
                   .Required());
  const std::vector<Value> rules = value.List();
  if (!value.present() || (rules.empty() && (value.IsList() || value.IsNull()))) {
    in.Error("rules", "needs at least one rule: what no rule allows is denied");
  }
  return PolicyLoader().Run(rules);
}

}  // namespace gatehouse::filters
