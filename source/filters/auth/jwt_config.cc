// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/jwt_config.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "source/base/text.h"
#include "source/filters/auth/challenge.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr About kJwks = About("Where the issuer's keys come from.").Required();
constexpr About kAlgorithms = About(
                                  "What tokens may be signed with, such as RS256; left out, "
                                  "whatever the keys are for, but no "
                                  "secret beside public keys.")
                                  .Type("algorithm");

// As JSON; every scalar as a text, which all members of keys are.
void AppendJson(const Value& value, std::string& out) {
  const char* separator = "";
  if (value.IsMap()) {
    out += '{';
    for (const auto& [name, inner] : value.Entries()) {
      out.append(separator).append("\"");
      AppendJsonEscaped(out, name);
      out.append("\":");
      AppendJson(inner, out);
      separator = ",";
    }
    out += '}';
  } else if (value.IsList()) {
    out += '[';
    for (const Value& inner : value.List()) {
      out.append(separator);
      AppendJson(inner, out);
      separator = ",";
    }
    out += ']';
  } else {
    out += '"';
    AppendJsonEscaped(out, value.String());
    out += '"';
  }
}

std::optional<JwsAlgorithms> LoadAlgorithms(Object& in) {
  const Value list = in.Get("algorithms", kAlgorithms);
  if (!list.present()) {
    return std::nullopt;
  }
  JwsAlgorithms out;
  for (const Value& value : list.List()) {
    const std::string name = value.String();
    if (const auto algorithm = ParseJwsAlgorithm(name)) {
      out.Add(*algorithm);
    } else if (EqualsIgnoreCase(name, "none")) {
      value.Error("\"none\" would let anybody in: tokens have to be signed");
    } else if (value.IsScalar()) {
      value.Error("unknown algorithm \"" + name + "\"",
                  std::string(Nearest(name, kJwsAlgorithmNames)));
    }
  }
  if (list.IsNull() || (list.IsList() && list.size() == 0)) {
    list.Error("needs at least one algorithm");
  }
  return out;
}

// What is wrong with keys that stand in the configuration, or beside it, stops it from being
// loaded.
void TakeNow(KeySource& source, const Value& at, Result<void> result) {
  if (!result) {
    at.Error("can't be used: " + result.error().message);
    return;
  }
  for (const std::string& why : source.keys().Get()->passed_over()) {
    at.Warning(why);
  }
}

// `at` is where the keys come from: a URL, or a cluster with a path.
void LoadFetched(const Value& at, pipeline::FetchTarget target, KeySourceSettings& settings) {
  settings.url = std::move(target);
  if (settings.rules.algorithms &&
      !(*settings.rules.algorithms & JwsAlgorithms::Symmetric()).empty()) {
    at.Error("keys that are fetched are never secrets: HS256, HS384 and HS512 can't be accepted");
  }
  settings.rules.secrets = false;
}

std::string LoadPath(Object& jwks) {
  std::string path = jwks.String(
      "path", "/",
      About("With `cluster`: the path that is asked for, its query too.").Example("/jwks.json"));
  const bool plain = std::all_of(path.begin(), path.end(),
                                 [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!path.starts_with('/') || !plain) {
    jwks.Error("path", "must be a path such as /jwks.json, got \"" + path + "\"");
  }
  if (jwks.Has("path") && !jwks.Has("cluster")) {
    jwks.Error("path", "stands beside `cluster` only");
  }
  return path;
}

// Exactly one of url, cluster, file and inline.
std::shared_ptr<KeySource> LoadKeys(Object& in, const pipeline::LoadContext& context,
                                    KeySourceSettings settings) {
  Object jwks = in.Child("jwks", kJwks);
  const Value url = jwks.Get("url", About("Fetched from there, again and again; of https:// the "
                                          "host is verified against whom the system trusts.")
                                        .Type("URL")
                                        .Example("https://idp.example.com/jwks.json"));
  const Value cluster =
      jwks.Get("cluster", About("Instead of `url`: fetched from this cluster, with its endpoints, "
                                "timeouts and `tls`.")
                              .Type("cluster's name"));
  const std::string fetched_path = LoadPath(jwks);
  const Value file = jwks.Get("file", About("Read from this file, and again whenever it changes.")
                                          .Type("path")
                                          .Example("keys.json"));
  const Value text =
      jwks.Get("inline", About("The keys themselves: a JSON text, or the same as YAML.")
                             .Type("JWKS")
                             .Example("{keys: [{kty: oct, kid: k1, k: \"${JWT_SECRET}\"}]}"));
  const std::string path = file.String();
  settings.refresh = jwks.Time("refresh", {.def = minutes(5), .min = seconds(1), .max = hours(24)},
                               "How often keys are fetched from the URL.");
  settings.timeout =
      jwks.Time("timeout", {.def = seconds(5), .min = milliseconds(50), .max = minutes(1)},
                "How long fetching them may take, and how long requests wait for the first keys.");
  settings.refetch_interval =
      jwks.Time("refetch_interval", {.def = seconds(10), .min = seconds(1), .max = hours(1)},
                "At most this often keys are fetched because a token names one that is not there.");
  const int given = (url.present() ? 1 : 0) + (cluster.present() ? 1 : 0) +
                    (file.present() ? 1 : 0) + (text.present() ? 1 : 0);
  if (given != 1) {
    jwks.Error(given == 0 ? "needs `url`, `cluster`, `file` or `inline`"
                          : "has more than one of `url`, `cluster`, `file` and `inline`");
    return nullptr;
  }
  if (url.present()) {
    LoadFetched(url, pipeline::ClusterOfUrl(url, context), settings);
    return std::make_shared<KeySource>(std::move(settings));
  }
  if (cluster.present()) {
    LoadFetched(cluster, {pipeline::ClusterNamed(cluster, context), "", fetched_path}, settings);
    return std::make_shared<KeySource>(std::move(settings));
  }
  if (file.present()) {
    settings.path = path;
    auto source = std::make_shared<KeySource>(std::move(settings));
    TakeNow(*source, file, source->TakeFile());
    return source;
  }
  std::string json;
  if (text.IsMap()) {
    AppendJson(text, json);
  } else {
    json = text.String();
  }
  auto source = std::make_shared<KeySource>(std::move(settings));
  TakeNow(*source, text, source->Take(std::move(json)));
  return source;
}

void LoadPolicy(Object& in, TokenPolicy& policy) {
  policy.issuer =
      in.RequiredString("issuer", About("Who issues the tokens: their claim `iss`, to the letter.")
                                      .Example("https://idp.example.com/"));
  policy.audiences = in.Strings(
      "audiences", About("Whom tokens must be for: one of these is in their claim `aud`.")
                       .Required()
                       .Example("[orders]"));
  if (!in.Has("audiences")) {
    in.Error("audiences", "is required: tokens that were issued for others are not good here");
  } else if (policy.audiences.empty()) {
    in.Error("audiences", "needs at least one");
  }
  policy.subject_claim = in.String("subject_claim", "sub",
                                   "The claim that says who is calling; `a.b` is inside another.");
  policy.groups_claim = in.String(
      "groups_claim", "groups", "The claim with the caller's groups, such as realm_access.roles.");
  policy.require_exp = in.Bool("require_exp", true, "Whether tokens must say when they expire.");
  policy.max_token_bytes =
      in.Size("max_token_bytes", {.def = 8 * 1024, .min = 64, .max = 64 * 1024},
              "Longer tokens are refused unread.");
}

void LoadHeaders(Object& in, const CredentialSources& from, IdentityHeaders& headers) {
  for (const auto& [claim, value] : in.Entries("claims_to_headers",
                                               "By a claim's name, the header field that tells the "
                                               "upstream its value. What clients send "
                                               "under these names is removed.")) {
    const auto field = observe::IdentityField::Parse("claims." + claim);
    if (!field) {
      value.Error(field.error().message);
      continue;
    }
    const std::string name = value.String();
    if (!headers.Add(name, *field, value)) {
      continue;
    }
    for (const CredentialSource& source : from.sources()) {
      if (source.place == CredentialSource::Place::kHeader && EqualsIgnoreCase(source.name, name)) {
        value.Error("is where a token is read from: it can't tell the upstream something else");
      }
    }
  }
}

void LoadChallenges(Object& in, JwtConfig& config) {
  config.challenge = "Bearer " + LoadRealm(in);
  config.missing_challenge = config.challenge + ", error=\"insufficient_scope\"";
  if (const std::string scopes = config.require.Scopes(); !scopes.empty()) {
    config.missing_challenge += ", scope=\"" + scopes + "\"";
  }
}

// All that decides whether a token is good and what it says of its subject.
std::string Fingerprint(Object& in, const TokenPolicy& policy, size_t cache_bytes) {
  std::string out =
      in.Get("jwks", kJwks).Canonical() + in.Get("algorithms", kAlgorithms).Canonical();
  const auto add = [&](std::string_view part) {
    out.append(std::to_string(part.size())).append(":").append(part);
  };
  add(policy.issuer);
  for (const std::string& audience : policy.audiences) {
    add(audience);
  }
  add(policy.subject_claim);
  add(policy.groups_claim);
  add(policy.require_exp ? "exp" : "");
  add(std::to_string(policy.max_token_bytes));
  add(std::to_string(cache_bytes));
  return out;
}

}  // namespace

JwtConfig LoadJwtConfig(Object& in, const pipeline::LoadContext& context, const JwtConfig* base,
                        const JwtCounters& counters) {
  JwtConfig out;
  out.counters = counters;
  auto authority = std::make_shared<JwtAuthority>();
  LoadPolicy(in, authority->policy);
  authority->policy.filter = context.filter_name;
  Object cache = in.Child("cache", "What is remembered of tokens that have been verified.");
  authority->cache_bytes =
      cache.Size("max_bytes", {.def = 16 << 20, .min = 0, .max = uint64_t{4} << 30},
                 "The most memory for that, of each worker; 0B: nothing.");
  KeySourceSettings settings;
  settings.filter = context.filter_name;
  settings.rules.algorithms = LoadAlgorithms(in);
  settings.refreshed = counters.keys_refreshed;
  settings.failed = counters.keys_failed;
  authority->fingerprint = Fingerprint(in, authority->policy, authority->cache_bytes);
  authority->keys = LoadKeys(in, context, std::move(settings));
  authority->workers.resize(context.workers);
  out.shared = base != nullptr && base->authority->fingerprint == authority->fingerprint;
  out.authority = out.shared ? base->authority : std::move(authority);
  out.from = LoadCredentialSources(
      in, "from", {{CredentialSource::Place::kHeader, "authorization", "Bearer "}});
  LoadHeaders(in, out.from, out.headers);
  out.require = TokenRequirement::Load(in);
  out.skew_ms = std::chrono::duration_cast<milliseconds>(
                    in.Time("clock_skew", {.def = seconds(30), .max = hours(1)},
                            "How far the issuer's clock may differ when exp and nbf are checked."))
                    .count();
  out.forward = in.Bool("forward", true, "Whether the upstream gets the token too.");
  out.allow_missing = in.Bool("allow_missing", false,
                              "Whether requests without a token pass, without an identity.");
  LoadChallenges(in, out);
  return out;
}

}  // namespace gatehouse::filters
