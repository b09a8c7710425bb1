// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/forward_auth_config.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using Place = RequestPart::Place;

const std::vector<std::string>& DefaultFields() {
  static const std::vector<std::string> kFields = {
      "accept",       "accept-language", "authorization",   "cookie",
      "origin",       "referer",         "user-agent",      "x-api-key",
      "x-csrf-token", "x-request-id",    "x-requested-with"};
  return kFields;
}

std::string AsYaml(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    out.append(out.size() > 1 ? ", " : "").append(name);
  }
  return out + "]";
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Names of fields, in lower case. `all`: set when "*" is among them; null: it may not be.
std::vector<std::string> LoadNames(const Value& list, bool* all) {
  std::vector<std::string> out;
  for (const Value& value : list.List()) {
    const std::string text = value.String();
    if (text == "*" && all != nullptr) {
      *all = true;
    } else if (text == "*") {
      value.Error("each field is named here: what else an answer has is not taken over");
    } else if (std::string name = CheckedFieldName(text, value);
               !name.empty() && !Contains(out, name)) {
      out.push_back(std::move(name));
    }
  }
  return out;
}

std::string LoadPath(Object& in) {
  std::string path = in.String(
      "path", "/",
      About("With `cluster`: the path that is asked for, its query too.").Example("/verify"));
  const bool plain = std::all_of(path.begin(), path.end(),
                                 [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!path.starts_with('/') || !plain) {
    in.Error("path", "must be a path such as /verify, got \"" + path + "\"");
  }
  return path;
}

pipeline::FetchTarget LoadTarget(Object& in, const pipeline::LoadContext& context) {
  const bool has_url = in.Has("url");
  if (has_url == in.Has("cluster")) {
    in.Error(has_url ? "takes `url` or `cluster`, not both"
                     : "needs `url`, or `cluster` and `path`");
  }
  const Value cluster =
      in.Get("cluster", About("The cluster of the service that is asked.").Type("cluster's name"));
  const Value url = in.Get("url", About("The service that is asked, and the path there; a cluster "
                                        "with the defaults of all clusters is made for it.")
                                      .Example("http://auth.internal:9000/verify"));
  if (has_url && in.Has("path")) {
    in.Error("path", "stands in the `url`");
  }
  const std::string path = LoadPath(in);
  if (url.present()) {
    return ClusterOfUrl(url, context);
  }
  return {cluster.present() ? ClusterNamed(cluster, context) : "", "", path};
}

void LoadRequestFields(Object& in, const std::vector<RequestPart>& credentials,
                       AuthQuestion& question) {
  const std::string def = AsYaml(DefaultFields());
  const Value list = in.Get("request_headers",
                            About("Fields of the client that the service is told, besides those "
                                  "that `credentials` names; [\"*\"]: all that are not about the "
                                  "connection or the content.")
                                .Type("header's name")
                                .Default(def));
  question.fields = list.present() ? LoadNames(list, &question.all_fields) : DefaultFields();
  for (const Value& value : list.present() ? list.List() : std::vector<Value>()) {
    const std::string name = Lowercase(value.Scalar());
    if (AuthQuestion::IsOwn(name)) {
      value.Error("always goes along, with what the gateway itself knows");
    } else if (name.starts_with("content-")) {
      value.Error("\"" + name + "\" is about the content, which does not go along");
    }
  }
  for (const RequestPart& part : credentials) {
    const std::string name = part.place == Place::kCookie ? "cookie" : part.name;
    const bool told = Contains(question.fields, name) || AuthQuestion::IsOwn(name);
    if (part.place != Place::kQuery && !told) {
      question.fields.push_back(name);
    }
  }
}

AuthQuestion LoadQuestion(Object& in, const pipeline::LoadContext& context) {
  AuthQuestion out;
  out.target = LoadTarget(in, context);
  enum class Method : uint8_t { kGet, kHead, kPost };
  const auto method = in.Enum<Method>(
      "method", {{"GET", Method::kGet}, {"HEAD", Method::kHead}, {"POST", Method::kPost}},
      Method::kGet, "The method of the question; it has no content.");
  out.method = method == Method::kGet ? "GET" : method == Method::kHead ? "HEAD" : "POST";
  out.timeout = in.Time("timeout",
                        {.def = std::chrono::seconds(1),
                         .min = std::chrono::milliseconds(1),
                         .max = std::chrono::minutes(5)},
                        "When a whole answer must be there.");
  out.max_response_bytes =
      in.Size("max_response_bytes", {.def = 64 << 10, .min = 0, .max = 16 << 20},
              "The most content that an answer may have; more is a failure.");
  return out;
}

void LoadIdentity(Object in, AnswerRules& rules) {
  const auto name = [&in](std::string_view key, const About& about) {
    const Value value = in.Get(key, about);
    return value.present() ? CheckedFieldName(value.String(), value) : std::string();
  };
  const auto about = [](std::string_view help, std::string_view example) {
    return About(help).Type("header's name").Example(example);
  };
  rules.subject = name("subject", about("The field that says who it is.", "x-user"));
  rules.groups =
      name("groups", about("The field with the groups, separated by commas.", "x-groups"));
  for (const auto& [claim, value] :
       in.Entries("claims", "Claims by name, each with the field that has its value.")) {
    if (std::string field = CheckedFieldName(value.String(), value); !field.empty()) {
      rules.claims.emplace_back(claim, std::move(field));
    }
  }
  if (in.present() && !in.Has("subject")) {
    in.Error("needs `subject`, the field of answers that says who it is");
  }
}

AnswerRules LoadRules(Object& in) {
  AnswerRules out;
  const auto names = [](std::string_view help) { return About(help).Type("header's name"); };
  out.upstream_headers = LoadNames(
      in.Get("upstream_headers", names("Fields of a 2xx answer that the request is forwarded with; "
                                       "what the client sent under these names is dropped.")),
      nullptr);
  out.client_headers = LoadNames(
      in.Get("client_headers", names("Fields of a 2xx answer that the response gets.")), nullptr);
  const Value denied =
      in.Get("denied_headers",
             names("Fields of any other answer that go to the client with it.").Default("[\"*\"]"));
  out.all_denied_headers = !denied.present();
  out.denied_headers = LoadNames(denied, &out.all_denied_headers);
  out.challenge =
      in.String("challenge", "Bearer", "WWW-Authenticate of a 401 answer that has none.");
  if (HoldsControls(out.challenge) || out.challenge.empty()) {
    in.Error("challenge", "must be the value of a header field, such as Bearer");
  }
  LoadIdentity(in.Child("identity", "Who is calling, as a 2xx answer says."), out);
  return out;
}

RequestTrait LoadTrait(const Value& value) {
  return value.Enum<RequestTrait>({{"method", RequestTrait::kMethod},
                                   {"host", RequestTrait::kHost},
                                   {"path", RequestTrait::kPath},
                                   {"query", RequestTrait::kQuery},
                                   {"client", RequestTrait::kClient}},
                                  RequestTrait::kMethod);
}

VerdictCacheSettings LoadCache(Object in, std::vector<RequestPart> parts) {
  VerdictCacheSettings out;
  out.enabled = in.present();
  out.ttl = in.Time("ttl",
                    {.def = std::chrono::seconds(10),
                     .min = std::chrono::milliseconds(1),
                     .max = std::chrono::hours(24)},
                    "How long a 2xx answer is used again.");
  out.deny_ttl = in.Time("deny_ttl", {.def = Duration::zero(), .max = std::chrono::hours(24)},
                         "How long one that is neither 2xx nor a failure is.");
  std::vector<RequestTrait> traits = {RequestTrait::kMethod, RequestTrait::kHost,
                                      RequestTrait::kPath, RequestTrait::kQuery};
  const Value per =
      in.Get("per", About("What else requests must have in common: of method, host, path, query "
                          "and client, the address.")
                        .Default("[method, host, path, query]"));
  if (per.present()) {
    traits.clear();
    for (const Value& value : per.List()) {
      traits.push_back(LoadTrait(value));
    }
  }
  out.key = RequestKey(std::move(parts), std::move(traits));
  out.max_entries = in.Uint("max_entries", {.def = 10'000, .min = 1, .max = 10'000'000},
                            "The most answers that each worker keeps.");
  return out;
}

// Answers about one caller must not serve another.
void CheckCovered(const Object& cache, const std::vector<RequestPart>& key,
                  const std::vector<RequestPart>& credentials) {
  for (const RequestPart& part : credentials) {
    if (std::none_of(key.begin(), key.end(),
                     [&](const RequestPart& one) { return one.Covers(part); })) {
      cache.Error("key", "lacks \"" + part.ToText() +
                             "\", which `credentials` names: who differs in that would get "
                             "another's answer");
    }
  }
}

// Of answers that are kept, the service must not have been told what the key does not tell apart,
// but for what describes the client's program rather than who uses it.
void KeepToKey(Object& in, const std::vector<RequestPart>& key, AuthQuestion& question) {
  const std::vector<std::string> harmless = {"accept",       "accept-language", "origin",
                                             "referer",      "user-agent",      "x-csrf-token",
                                             "x-request-id", "x-requested-with"};
  const auto covered = [&](const std::string& name) {
    return Contains(harmless, name) ||
           std::any_of(key.begin(), key.end(), [&](const RequestPart& part) {
             return part.place == Place::kCookie
                        ? name == "cookie"
                        : part.place == Place::kHeader && part.name == name;
           });
  };
  if (!in.Has("request_headers")) {
    std::erase_if(question.fields, [&](const std::string& name) { return !covered(name); });
  } else if (question.all_fields) {
    in.Error("request_headers",
             "can't be all with a `cache`: what the service decides by must be in its `key`");
  }
  for (const std::string& name : question.fields) {
    const bool wrong_anyway = AuthQuestion::IsOwn(name) || name.starts_with("content-");
    if (!covered(name) && !wrong_anyway) {
      in.Error("request_headers", "has \"" + name +
                                      "\", which is not in the `key` of `cache`: who differs in "
                                      "that would get another's answer");
    }
  }
}

}  // namespace

ForwardAuthConfig LoadForwardAuth(Object& in, const pipeline::LoadContext& context) {
  ForwardAuthConfig out;
  out.question = LoadQuestion(in, context);
  const std::vector<RequestPart> usual = {
      {Place::kHeader, "authorization"}, {Place::kHeader, "cookie"}, {Place::kHeader, "x-api-key"}};
  Object cache = in.Child("cache", "Keeps answers, so that not each request is asked about.");
  const std::vector<RequestPart> key = LoadRequestParts(
      cache, "key",
      "What tells callers apart, by default the `credentials`: header fields, cookie:NAME, "
      "query:NAME. A request that has none of them is always asked about.",
      {});
  out.credentials = LoadRequestParts(
      in, "credentials",
      About("What says who is calling: header fields, cookie:NAME, query:NAME. By default the key "
            "of `cache`, if there is one.")
          .Default("[authorization, cookie, x-api-key]"),
      key.empty() ? usual : key);
  if (!key.empty()) {
    CheckCovered(cache, key, out.credentials);
  }
  const std::vector<RequestPart>& telling = key.empty() ? out.credentials : key;
  out.cache = LoadCache(std::move(cache), telling);
  LoadRequestFields(in, out.credentials, out.question);
  if (out.cache.enabled) {
    KeepToKey(in, telling, out.question);
  }
  out.rules = LoadRules(in);
  out.allow_missing = in.Bool("allow_missing", false,
                              "Whether requests without credentials pass, as nobody's, without a "
                              "question.");
  enum class Failure : uint8_t { kDeny, kAllow };
  out.allow_on_failure =
      in.Enum<Failure>(
          "on_failure", {{"deny", Failure::kDeny}, {"allow", Failure::kAllow}}, Failure::kDeny,
          "What becomes of requests about which no verdict is to be had.") == Failure::kAllow;
  for (const std::string& name : out.rules.upstream_headers) {
    if (!Contains(out.question.fields, name)) {
      out.question.held_back.push_back(name);
    }
  }
  return out;
}

}  // namespace gatehouse::filters
