// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/policy_condition.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/filters/security/cidr_set.h"
#include "source/pipeline/host_path.h"

namespace gatehouse::filters {
namespace {

using observe::Identity;
using observe::IdentityField;
using pipeline::ValueMatch;
using Cost = PolicyCondition::Cost;
using Names = std::vector<std::string>;

constexpr size_t kMaxNamed = 8;    // Elements of a list that a sentence spells out.
constexpr size_t kMaxShown = 128;  // Bytes of a value that a sentence shows.

std::string Shown(std::string_view text) {
  return text.size() > kMaxShown ? std::string(text.substr(0, kMaxShown)) + "..."
                                 : std::string(text);
}

// "a, b or c"
std::string Listed(const Names& names, std::string_view last) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kMaxNamed; ++i) {
    const bool final = i + 1 == names.size();
    out.append(i == 0 ? std::string_view() : final ? last : std::string_view(", "));
    out.append(Shown(names[i]));
  }
  const size_t left = names.size() - std::min(names.size(), kMaxNamed);
  return left == 0 ? out : out + " and " + std::to_string(left) + " more";
}

std::string AnyOf(const Names& names) { return Listed(names, " or "); }

// "claims.plan begins with gold"
std::string InWords(std::string_view what, const ValueMatch& match) {
  const std::string subject(what);
  const std::string text = Shown(match.text);
  switch (match.kind) {
    case ValueMatch::Kind::kExact:
      return subject + " is " + (text.empty() ? "empty" : text);
    case ValueMatch::Kind::kPrefix:
      return subject + " begins with " + text;
    case ValueMatch::Kind::kSuffix:
      return subject + " ends with " + text;
    case ValueMatch::Kind::kContains:
      return subject + " contains " + text;
    case ValueMatch::Kind::kRegex:
      return subject + " matches " + text;
    case ValueMatch::Kind::kPresent:
      return subject + " is there";
    case ValueMatch::Kind::kAbsent:
      return subject + " is not there";
  }
  return subject;
}

class Authenticated final : public PolicyCondition {
 public:
  explicit Authenticated(bool wanted) : PolicyCondition(Cost::kCompare), wanted_(wanted) {}
  bool Holds(PolicyRequest& request) const override {
    return (request.info.identity != nullptr) == wanted_;
  }
  std::string Words() const override {
    return wanted_ ? "somebody is authenticated" : "nobody is authenticated";
  }
  bool OfIdentity() const override { return true; }

 private:
  const bool wanted_;
};

// Sorted, so that long lists take a binary search.
class FieldHas final : public PolicyCondition {
 public:
  FieldHas(IdentityField field, Quantifier quantifier, Names names, bool without_identity)
      : PolicyCondition(Cost::kCompareSome),
        field_(std::move(field)),
        quantifier_(quantifier),
        without_identity_(without_identity),
        names_(std::move(names)) {
    std::sort(names_.begin(), names_.end());
  }
  bool Holds(PolicyRequest& request) const override {
    const Identity* identity = request.info.identity;
    if (identity == nullptr) {
      return without_identity_;
    }
    switch (quantifier_) {
      case Quantifier::kAny:
        return HasAny(*identity);
      case Quantifier::kAll:
        return std::all_of(names_.begin(), names_.end(),
                           [&](const std::string& name) { return Has(*identity, name); });
      case Quantifier::kNone:
        return !HasAny(*identity);
    }
    return false;
  }
  std::string Words() const override {
    switch (quantifier_) {
      case Quantifier::kAny:
        return field_.text() + (field_.text() == "groups" ? " has " : " is ") + AnyOf(names_);
      case Quantifier::kAll:
        return field_.text() + " has " + Listed(names_, " and ");
      case Quantifier::kNone:
        return field_.text() + " has none of " + Listed(names_, ", ");
    }
    return {};
  }
  void AddTo(PolicyGate& gate) const override {
    if (without_identity_) {
      return;  // Who has nothing may pass.
    }
    if (quantifier_ == Quantifier::kAny) {
      gate.NeedsOneOf(field_, names_);
    } else if (quantifier_ == Quantifier::kAll) {
      gate.NeedsOneOf(field_, {&names_.front(), 1});
    }
  }
  bool OfIdentity() const override { return true; }

 private:
  bool Lists(std::string_view value) const {
    constexpr size_t kFew = 8;
    if (names_.size() <= kFew) {
      return std::find(names_.begin(), names_.end(), value) != names_.end();
    }
    return std::binary_search(names_.begin(), names_.end(), value);
  }
  bool HasAny(const Identity& identity) const {
    bool found = false;
    field_.ForEach(identity, [&](std::string_view value) {
      found = Lists(value);
      return !found;
    });
    return found;
  }
  bool Has(const Identity& identity, std::string_view name) const {
    bool found = false;
    field_.ForEach(identity, [&](std::string_view value) {
      found = value == name;
      return !found;
    });
    return found;
  }

  const IdentityField field_;
  const Quantifier quantifier_;
  const bool without_identity_;
  Names names_;
};

Cost CostOf(const ValueMatch& match, Cost otherwise) {
  return match.kind == ValueMatch::Kind::kRegex ? Cost::kRegex : otherwise;
}

class FieldMatches final : public PolicyCondition {
 public:
  FieldMatches(IdentityField field, ValueMatch match, bool without_identity)
      : PolicyCondition(CostOf(match, Cost::kCompareSome)),
        field_(std::move(field)),
        match_(std::move(match)),
        without_identity_(without_identity) {}
  bool Holds(PolicyRequest& request) const override {
    const Identity* identity = request.info.identity;
    if (identity == nullptr) {
      return without_identity_;
    }
    return pipeline::AnyValueMatches(match_, [&](auto visit) { field_.ForEach(*identity, visit); });
  }
  std::string Words() const override { return InWords(field_.text(), match_); }
  bool OfIdentity() const override { return true; }

 private:
  const IdentityField field_;
  const ValueMatch match_;
  const bool without_identity_;
};

class Method final : public PolicyCondition {
 public:
  explicit Method(Names methods) : PolicyCondition(Cost::kCompare), methods_(std::move(methods)) {
    for (const std::string& method : methods_) {
      known_ |= PolicyGate::MethodBit(http::ParseMethod(method));
    }
  }
  bool Holds(PolicyRequest& request) const override {
    if ((known_ & PolicyGate::MethodBit(request.head.method)) == 0) {
      return false;
    }
    return request.head.method != http::Method::kOther ||
           std::find(methods_.begin(), methods_.end(), request.head.method_name) != methods_.end();
  }
  std::string Words() const override { return "method is " + AnyOf(methods_); }
  void AddTo(PolicyGate& gate) const override { gate.NeedsMethods(known_); }

 private:
  const Names methods_;
  uint64_t known_ = 0;
};

class Host final : public PolicyCondition {
 public:
  explicit Host(Names hosts) : PolicyCondition(Cost::kCompareSome), hosts_(std::move(hosts)) {}
  bool Holds(PolicyRequest& request) const override {
    return std::any_of(hosts_.begin(), hosts_.end(), [&](const std::string& host) {
      return pipeline::HostFits(host, request.head.host);
    });
  }
  std::string Words() const override { return "host is " + AnyOf(hosts_); }

 private:
  const Names hosts_;
};

class Path final : public PolicyCondition {
 public:
  Path(Names paths, bool below)
      : PolicyCondition(Cost::kCompareSome), below_(below), paths_(std::move(paths)) {}
  bool Holds(PolicyRequest& request) const override {
    const std::string_view asked = request.head.path;
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& path) {
      return below_ ? pipeline::IsUnder(asked, path) : asked == path;
    });
  }
  std::string Words() const override {
    if (!below_) {
      return "path is " + AnyOf(paths_);
    }
    Names shown = paths_;
    std::replace(shown.begin(), shown.end(), std::string(), std::string("/"));
    return "path is under " + AnyOf(shown);
  }
  void AddTo(PolicyGate& gate) const override { gate.NeedsOneOfPaths(paths_); }

 private:
  const bool below_;
  const Names paths_;
};

class PathRegex final : public PolicyCondition {
 public:
  explicit PathRegex(std::vector<std::shared_ptr<const re2::RE2>> expressions)
      : PolicyCondition(Cost::kRegex), expressions_(std::move(expressions)) {}
  bool Holds(PolicyRequest& request) const override {
    const std::string_view path = request.head.path;
    return std::any_of(expressions_.begin(), expressions_.end(), [&](const auto& one) {
      return re2::RE2::FullMatch({path.data(), path.size()}, *one);
    });
  }
  std::string Words() const override {
    Names patterns;
    for (const auto& one : expressions_) {
      patterns.push_back(one->pattern());
    }
    return "path matches " + AnyOf(patterns);
  }

 private:
  const std::vector<std::shared_ptr<const re2::RE2>> expressions_;
};

std::string Spelled(const Cidr& block) {
  const bool v4 = block.base.IsV4() && block.prefix >= 96;
  const int bits = v4 ? block.prefix - 96 : block.prefix;
  const bool whole = block.prefix == 128;
  return block.base.ToString() + (whole ? "" : "/" + std::to_string(bits));
}

class Client final : public PolicyCondition {
 public:
  explicit Client(const std::vector<Cidr>& blocks)
      : PolicyCondition(Cost::kSearch), blocks_(blocks) {
    std::transform(blocks.begin(), blocks.end(), std::back_inserter(names_), Spelled);
  }
  bool Holds(PolicyRequest& request) const override {
    return blocks_.Contains(request.info.client);
  }
  std::string Words() const override { return "client_ip is in " + AnyOf(names_); }

 private:
  const CidrSet blocks_;
  Names names_;
};

// Of a header, a query parameter or a cookie.
class RequestValue final : public PolicyCondition {
 public:
  enum class Kind : uint8_t { kHeader, kQuery, kCookie };
  RequestValue(Kind kind, ValueMatch match)
      : PolicyCondition(CostOf(match, kind == Kind::kHeader ? Cost::kScanHeaders : Cost::kDecode)),
        kind_(kind),
        match_(std::move(match)) {}
  bool Holds(PolicyRequest& request) const override {
    switch (kind_) {
      case Kind::kHeader:
        return pipeline::HeaderMatches(match_, request.head);
      case Kind::kQuery:
        return pipeline::QueryMatches(match_, request.head, request.decoder);
      case Kind::kCookie:
        return pipeline::CookieMatches(match_, request.head);
    }
    return false;
  }
  std::string Words() const override {
    static constexpr std::string_view kWords[] = {"header ", "query parameter ", "cookie "};
    return InWords(std::string(kWords[static_cast<size_t>(kind_)]) + match_.name, match_);
  }

 private:
  const Kind kind_;
  const ValueMatch match_;
};

class Label final : public PolicyCondition {
 public:
  explicit Label(ValueMatch match)
      : PolicyCondition(CostOf(match, Cost::kCompareSome)), match_(std::move(match)) {}
  bool Holds(PolicyRequest& request) const override {
    return pipeline::AnyValueMatches(match_, [&](auto visit) {
      if (request.info.labels == nullptr) {
        return;
      }
      for (const auto& [key, value] : *request.info.labels) {
        if (key == match_.name && !visit(value)) {
          return;
        }
      }
    });
  }
  std::string Words() const override { return InWords("label " + match_.name, match_); }

 private:
  const ValueMatch match_;
};

}  // namespace

PolicyConditionPtr IsAuthenticated(bool wanted) { return std::make_unique<Authenticated>(wanted); }

PolicyConditionPtr IdentityHas(IdentityField field, Quantifier quantifier, Names names,
                               bool without_identity) {
  return std::make_unique<FieldHas>(std::move(field), quantifier, std::move(names),
                                    without_identity);
}

PolicyConditionPtr IdentityMatches(IdentityField field, ValueMatch match, bool without_identity) {
  return std::make_unique<FieldMatches>(std::move(field), std::move(match), without_identity);
}

PolicyConditionPtr MethodIn(Names methods) { return std::make_unique<Method>(std::move(methods)); }

PolicyConditionPtr HostIn(Names hosts) { return std::make_unique<Host>(std::move(hosts)); }

PolicyConditionPtr PathIn(Names paths) { return std::make_unique<Path>(std::move(paths), false); }

PolicyConditionPtr PathUnder(Names prefixes) {
  return std::make_unique<Path>(std::move(prefixes), true);
}

PolicyConditionPtr PathMatches(std::vector<std::shared_ptr<const re2::RE2>> expressions) {
  return std::make_unique<PathRegex>(std::move(expressions));
}

PolicyConditionPtr ClientIn(const std::vector<Cidr>& blocks) {
  return std::make_unique<Client>(blocks);
}

PolicyConditionPtr HeaderIs(ValueMatch match) {
  return std::make_unique<RequestValue>(RequestValue::Kind::kHeader, std::move(match));
}

PolicyConditionPtr QueryIs(ValueMatch match) {
  return std::make_unique<RequestValue>(RequestValue::Kind::kQuery, std::move(match));
}

PolicyConditionPtr CookieIs(ValueMatch match) {
  return std::make_unique<RequestValue>(RequestValue::Kind::kCookie, std::move(match));
}

PolicyConditionPtr LabelIs(ValueMatch match) { return std::make_unique<Label>(std::move(match)); }

}  // namespace gatehouse::filters
