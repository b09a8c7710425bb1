// SPDX-License-Identifier: Apache-2.0
#include "source/server/effective.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/server/defaults.h"
#include "source/server/yaml_writer.h"

namespace gatehouse::server {
namespace {

using config::Value;

constexpr char kRedacted[] = "***";

// Whether a word of `key`, as in "x-api-key", says that its value is a secret.
bool IsSecretKey(std::string_view key) {
  static constexpr std::string_view kWords[] = {"token",  "tokens",  "password",      "passwd",
                                                "secret", "secrets", "authorization", "key"};
  while (!key.empty()) {
    const size_t end = key.find_first_of("-_.");
    const std::string_view word = key.substr(0, end);
    if (std::any_of(std::begin(kWords), std::end(kWords),
                    [&](std::string_view one) { return EqualsIgnoreCase(one, word); })) {
      return true;
    }
    key = end == key.npos ? std::string_view() : key.substr(end + 1);
  }
  return false;
}

// `text` without the password of a URL: scheme://user:password@host.
std::string WithoutPassword(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == text.npos) {
    return std::string(text);
  }
  const size_t begin = scheme + 3;
  const size_t at = text.substr(0, text.find('/', begin)).rfind('@');
  const size_t colon = text.find(':', begin);
  if (at == text.npos || at < begin || colon > at) {
    return std::string(text);
  }
  return std::string(text.substr(0, colon + 1)) + kRedacted + std::string(text.substr(at));
}

// What a filter fetches: without its user and its query.
std::string WithoutSecrets(std::string_view url) {
  const size_t query = url.find('?');
  const std::string_view plain = url.substr(0, query);
  const size_t scheme = plain.find("://");
  const size_t begin = scheme == plain.npos ? 0 : scheme + 3;
  const size_t at = plain.substr(0, plain.find('/', begin)).rfind('@');
  std::string out(plain);
  if (at != plain.npos && at >= begin) {
    out.replace(begin, at - begin, kRedacted);
  }
  return query == url.npos ? out : out + "?" + kRedacted;
}

// Lines of an htpasswd file, as `users` of basic_auth has them: NAME:HASH.
Tree WithoutHashes(const Value& users) {
  Tree out = Tree::array();
  for (const Value& user : users.List()) {
    const std::string_view line = user.Scalar();
    out.push_back(std::string(line.substr(0, line.find(':'))) + ":" + kRedacted);
  }
  return out;
}

// Whether `value`, at `key` of `map`, has what only the owner of a JSON Web Key knows (RFC 7518
// sections 6.2.2, 6.3.2 and 6.4), wherever it comes from: a member of a key, or a whole JWKS as
// text.
bool HoldsJwkSecret(const Value& map, std::string_view key, const Value& value) {
  static constexpr std::string_view kMembers[] = {"k", "d", "p", "q", "dp", "dq", "qi", "oth"};
  if (map.HasKey("kty")) {
    return std::find(std::begin(kMembers), std::end(kMembers), key) != std::end(kMembers);
  }
  const std::string_view text = key == "inline" ? value.Scalar() : std::string_view();
  return text.find("\"k\"") != text.npos || text.find("\"d\"") != text.npos;
}

Tree ToTree(const Value& value, bool secret) {
  if (value.IsMap()) {
    Tree out = Tree::object();
    for (const auto& [key, inner] : value.Entries()) {
      if (key == "users" && inner.IsList()) {
        out[key] = WithoutHashes(inner);
      } else if (((key == "sha256" || key == "key_passphrase") && inner.IsScalar()) ||
                 HoldsJwkSecret(value, key, inner)) {
        out[key] = kRedacted;
      } else if (key == "url" && inner.IsScalar()) {
        out[key] = WithoutSecrets(inner.Scalar());
      } else {
        out[key] = ToTree(inner, secret || IsSecretKey(key));
      }
    }
    return out;
  }
  if (value.IsList()) {
    Tree out = Tree::array();
    for (const Value& element : value.List()) {
      out.push_back(ToTree(element, secret));
    }
    return out;
  }
  if (!value.present() || value.IsNull()) {
    return nullptr;
  }
  if (secret && value.FromEnvironment()) {
    return kRedacted;
  }
  return WithoutPassword(value.Scalar());
}

// Adds what `defaults` has and `tree` lacks, in mappings of mappings too. A key without a value
// takes the whole default.
void AddDefaults(Tree& tree, const Tree& defaults) {
  if (tree.is_null()) {
    tree = defaults;
  }
  if (!tree.is_object() || !defaults.is_object()) {
    return;
  }
  for (const auto& [key, value] : defaults.items()) {
    const auto at = tree.find(key);
    if (at == tree.end()) {
      tree[key] = value;
    } else {
      AddDefaults(*at, value);
    }
  }
}

// Tokens of admin are secrets wherever they come from; empty ones are none.
void RedactTokens(Tree& admin) {
  const auto tokens = admin.find("tokens");
  if (tokens == admin.end() || !tokens->is_object()) {
    return;
  }
  for (Tree& role : *tokens) {
    Tree kept = Tree::array();
    for (const Tree& token : role) {
      if (token != "" && kept.empty()) {  // One stands for all: they would be equal.
        kept.push_back(kRedacted);
      }
    }
    role = std::move(kept);
  }
}

void AddRouteDefaults(Tree& route, const Defaults& defaults) {
  if (route.contains("cluster") || route.contains("split")) {
    AddDefaults(route, defaults.forward);
  }
  if (const auto fallback = route.find("fallback"); fallback != route.end()) {
    AddDefaults(*fallback, defaults.fallback);
  }
  if (const auto split = route.find("split"); split != route.end()) {
    for (Tree& arm : *split) {
      AddDefaults(arm, defaults.arm);
    }
  }
  if (const auto redirect = route.find("redirect"); redirect != route.end()) {
    AddDefaults(*redirect, defaults.redirect);
  }
  if (const auto respond = route.find("respond"); respond != route.end()) {
    AddDefaults(*respond, defaults.respond);
  }
}

void AddClusterDefaults(Tree& cluster, const Defaults& defaults) {
  AddDefaults(cluster, defaults.cluster);
  if (const auto breaker = cluster.find("circuit_breaker"); breaker != cluster.end()) {
    AddDefaults(*breaker, defaults.breaker);
  }
  if (const auto endpoints = cluster.find("endpoints"); endpoints != cluster.end()) {
    for (Tree& endpoint : *endpoints) {
      AddDefaults(endpoint, defaults.endpoint);
    }
  }
}

// One section after the other, so that a large configuration is never held as one tree.
class Printer {
 public:
  std::string Print(const Value& root) && {
    const auto entries = root.Entries();
    const auto section = [&](std::string_view name) {
      const auto at = std::find_if(entries.begin(), entries.end(),
                                   [&](const auto& entry) { return entry.first == name; });
      return at == entries.end() ? Value() : at->second;
    };
    out_ = "version: 1\n";
    if (const Value admin = section("admin"); admin.present()) {
      Tree tree = ToTree(admin, false);
      RedactTokens(tree);
      AddDefaults(tree, defaults_.admin);
      Append("admin", tree);
    }
    Tree runtime = ToTree(section("runtime"), false);
    AddDefaults(runtime, defaults_.runtime);
    Append("runtime", runtime);
    AppendList("listeners", section("listeners"),
               [&](Tree& one) { AddDefaults(one, defaults_.listener); });
    AppendMap("filters", section("filters"), [](std::string_view name, Tree& one) {
      AddDefaults(one, {{"type", std::string(name)}, {"required", "false"}});
    });
    AppendMap("clusters", section("clusters"),
              [&](std::string_view, Tree& one) { AddClusterDefaults(one, defaults_); });
    AppendList("routes", section("routes"), [&](Tree& one) { AddRouteDefaults(one, defaults_); });
    out_.shrink_to_fit();  // It may be kept, and growing doubled it.
    return std::move(out_);
  }

 private:
  void Append(std::string_view name, const Tree& tree) {
    AppendYaml(out_, Tree::object({{std::string(name), tree}}));
  }

  template <typename Complete>
  void AppendList(std::string_view name, const Value& section, Complete complete) {
    const std::vector<Value> elements = section.List();
    out_.append(name).append(elements.empty() ? ": []\n" : ":\n");
    for (const Value& element : elements) {
      Tree tree = ToTree(element, false);
      complete(tree);
      AppendYamlElement(out_, tree, 2);
    }
  }

  template <typename Complete>
  void AppendMap(std::string_view name, const Value& section, Complete complete) {
    const auto entries = section.Entries();
    out_.append(name).append(entries.empty() ? ": {}\n" : ":\n");
    for (const auto& [key, value] : entries) {
      Tree tree = ToTree(value, false);
      complete(key, tree);
      AppendYaml(out_, Tree::object({{key, std::move(tree)}}), 2);
    }
  }

  Defaults defaults_;
  std::string out_;
};

}  // namespace

std::string EffectiveConfig(const Value& root) { return Printer().Print(root); }

std::string EffectiveConfig(std::string_view text, const config::Environment& environment) {
  config::Diagnostics diagnostics;
  const auto document = config::Document::Parse("", text, environment, diagnostics);
  return diagnostics.ok() ? EffectiveConfig(document->RootValue()) : std::string();
}

}  // namespace gatehouse::server
