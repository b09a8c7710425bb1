// SPDX-License-Identifier: Apache-2.0
// Lets pages of other origins use a service: cross-origin resource sharing (Fetch, section 3.2).
//
//   cors:
//     allow_origins: ["https://app.example.com", "https://*.example.org"]
//     allow_methods: [GET, POST, DELETE]
//     allow_headers: [authorization, content-type]
//     expose_headers: [x-request-id]
//     allow_credentials: true
//     max_age: 10m
//     allow_private_network: false
//     deny_others: false              # refuse what other origins send, instead of not helping them
//
// Preflights are answered here and go no further, so this filter stands before those that ask for
// credentials: preflights bring none. What the upstream says of CORS itself is replaced. Nothing of
// a stream is kept: the response's fields follow from its request.
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/filters/builtin.h"
#include "source/filters/field_name.h"
#include "source/filters/security/origin_set.h"
#include "source/pipeline/request_config.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::ReplyHeaders;
using pipeline::Stream;

constexpr std::string_view kAllowOrigin = "access-control-allow-origin";
constexpr std::string_view kRequestMethod = "access-control-request-method";
constexpr std::string_view kRequestHeaders = "access-control-request-headers";
constexpr std::string_view kRequestPrivateNetwork = "access-control-request-private-network";
constexpr std::string_view kPreflightVary =
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

struct Rules {
  OriginSet origins;
  bool any_method = false;
  bool any_header = false;
  std::string methods;  // As the fields spell lists; may be empty.
  std::string headers;
  std::string exposed;
  std::string max_age;  // Seconds.
  bool credentials = false;
  bool private_network = false;
  bool deny_others = false;

  // The same answer whoever asks: caches may keep one for all.
  bool same_for_all() const { return origins.any() && !credentials; }
};

// The only value; empty when the field is missing, or there are several.
std::string_view OnlyValue(const http::Headers& headers, std::string_view name) {
  const http::Field* field = headers.Find(name);
  return field == nullptr || headers.Next(*field) != nullptr ? std::string_view() : field->value;
}

std::string_view OriginOf(const http::RequestHead& head) {
  const http::Field* field = head.headers.Find(http::Known::kOrigin);
  return field == nullptr || head.headers.Next(*field) != nullptr ? std::string_view()
                                                                  : field->value;
}

bool IsPreflight(const http::RequestHead& head) {
  return head.method == http::Method::kOptions && head.headers.Has(http::Known::kOrigin) &&
         head.headers.Find(kRequestMethod) != nullptr;
}

// Pages send Origin to their own host too, with what is not GET or HEAD.
bool IsSameOrigin(std::string_view origin, const http::RequestHead& head) {
  const size_t scheme_end = origin.find("://");
  return scheme_end != origin.npos &&
         EqualsIgnoreCase(origin.substr(scheme_end + 3), head.authority);
}

bool IsTokenList(std::string_view list) {
  bool all = true;
  ForEachListElement(list, [&](std::string_view element) { return all = IsFieldName(element); });
  return all;
}

class CorsDefinition final : public pipeline::FilterDefinition {
 public:
  CorsDefinition(Rules rules, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        rules_(std::move(rules)),
        preflights_(context.Counter("cors", "preflights", "Preflight requests answered.")),
        allowed_(context.Counter("cors", "allowed", "Requests of origins that are allowed.")),
        denied_(context.Counter(
            "cors", "denied", "Requests, preflights included, of origins that are not allowed.")) {}

  pipeline::Filter* NewFilter(Stream&) const override { return &gate_; }
  std::string Explain(const http::RequestHead& head, const observe::StreamInfo&) const override;

 private:
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const CorsDefinition& cors) : cors_(cors) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      return head.headers.Has(http::Known::kOrigin) ? cors_.Judge(head, stream) : Action::kContinue;
    }
    Action OnResponseHeaders(http::ResponseHead& head, Stream& stream) override {
      if (!IsPreflight(stream.request())) {
        cors_.Tell(OriginOf(stream.request()), head.headers);
      }
      return Action::kContinue;
    }

   private:
    const CorsDefinition& cors_;
  };

  Action Judge(http::RequestHead& head, Stream& stream) const;
  Action AnswerPreflight(const http::RequestHead& head, std::string_view origin,
                         Stream& stream) const;
  Action Deny(std::string_view origin, Stream& stream) const;
  void Tell(std::string_view origin, http::Headers& headers) const;
  std::string_view AllowedOrigin(std::string_view origin) const {
    return rules_.same_for_all() ? std::string_view("*") : origin;
  }

  const Rules rules_;
  const observe::MetricId preflights_;
  const observe::MetricId allowed_;
  const observe::MetricId denied_;
  mutable Gate gate_{*this};
};

Action CorsDefinition::Judge(http::RequestHead& head, Stream& stream) const {
  const std::string_view origin = OriginOf(head);
  const bool allowed = !origin.empty() && rules_.origins.Contains(origin);
  if (IsPreflight(head)) {
    stream.Count(allowed ? preflights_ : denied_);
    return allowed ? AnswerPreflight(head, origin, stream) : Deny(origin, stream);
  }
  if (allowed) {
    stream.Count(allowed_);
    stream.AddVerdict(name, "origin allowed");
    return Action::kContinue;
  }
  if (IsSameOrigin(origin, head)) {
    return Action::kContinue;
  }
  stream.Count(denied_);
  if (rules_.deny_others) {
    return Deny(origin, stream);
  }
  stream.AddVerdict(name, "origin not allowed");
  return Action::kContinue;
}

Action CorsDefinition::Deny(std::string_view origin, Stream& stream) const {
  constexpr size_t kShown = 200;
  stream.AddVerdict(name, "origin denied");
  return stream.ReplyError(
      ErrorCode::kDenied,
      stream.arena().Concat(std::string_view(name), " does not allow the origin ",
                            origin.substr(0, kShown)),
      {{"vary", kPreflightVary}});
}

// Of an origin that is allowed. What else is not allowed is left to the browser, which can tell the
// page's author which method or header it was.
Action CorsDefinition::AnswerPreflight(const http::RequestHead& head, std::string_view origin,
                                       Stream& stream) const {
  std::vector<ReplyHeaders::Field> fields = {{kAllowOrigin, AllowedOrigin(origin)}};
  const auto add = [&](std::string_view field, std::string_view value) {
    if (!value.empty()) {
      fields.emplace_back(field, value);
    }
  };
  add("access-control-allow-credentials", rules_.credentials ? "true" : "");
  // With credentials "*" would be a method, or header, of that name.
  const std::string_view method = OnlyValue(head.headers, kRequestMethod);
  const std::string_view headers = OnlyValue(head.headers, kRequestHeaders);
  const auto asked = [&](std::string_view value) {
    return rules_.credentials ? (IsTokenList(value) ? value : std::string_view()) : "*";
  };
  add("access-control-allow-methods", rules_.any_method ? asked(method) : rules_.methods);
  add("access-control-allow-headers", rules_.any_header ? asked(headers) : rules_.headers);
  add("access-control-max-age", rules_.max_age);
  if (rules_.private_network && OnlyValue(head.headers, kRequestPrivateNetwork) == "true") {
    add("access-control-allow-private-network", "true");
  }
  add("vary", kPreflightVary);
  stream.AddVerdict(name, "preflight answered");
  const std::span<const ReplyHeaders::Field> all = fields;
  return stream.Reply(204, "", "text/plain; charset=utf-8", ReplyHeaders(all));
}

// Adds what a browser must see with the response to let the page have it.
void CorsDefinition::Tell(std::string_view origin, http::Headers& headers) const {
  constexpr std::string_view kPrefix = "access-control-";
  for (const http::Field& field : headers) {
    if (field.name.size() > kPrefix.size() &&
        EqualsIgnoreCase(field.name.substr(0, kPrefix.size()), kPrefix)) {
      headers.Remove(std::string_view(field.name));
    }
  }
  if (!rules_.same_for_all()) {
    const http::Field* vary = headers.Find("vary");
    bool varies = false;
    for (; vary != nullptr && !varies; vary = headers.Next(*vary)) {
      ForEachListElement(vary->value, [&](std::string_view element) {
        varies = element == "*" || EqualsIgnoreCase(element, "origin");
        return !varies;
      });
    }
    if (!varies) {
      headers.Add("vary", "Origin");
    }
    if (origin.empty() || !rules_.origins.Contains(origin)) {
      return;
    }
  }
  headers.Add(kAllowOrigin, AllowedOrigin(origin));
  if (rules_.credentials) {
    headers.Add("access-control-allow-credentials", "true");
  }
  if (!rules_.exposed.empty()) {
    headers.Add("access-control-expose-headers", rules_.exposed);
  }
}

std::string CorsDefinition::Explain(const http::RequestHead& head,
                                    const observe::StreamInfo&) const {
  if (!head.headers.Has(http::Known::kOrigin)) {
    return {};
  }
  const std::string origin(OriginOf(head));
  const bool allowed = !origin.empty() && rules_.origins.Contains(origin);
  if (IsPreflight(head)) {
    return allowed ? "answers this preflight itself: the origin " + origin + " is allowed"
                   : "refuses this preflight with 403: the origin " + origin + " is not allowed";
  }
  if (allowed) {
    return "lets pages of " + origin + " see the response";
  }
  if (IsSameOrigin(origin, head)) {
    return "the origin is the host that is asked: nothing to do";
  }
  return rules_.deny_others ? "refuses it with 403: the origin " + origin + " is not allowed"
                            : "lets it pass, but no page of " + origin + " will see the response";
}

// A list that fields spell with commas; "*" alone stands for all. `Check` may drop an element.
template <typename Check>
std::string LoadNames(const std::vector<config::Value>& listed, bool& any, Check check) {
  std::string out;
  for (const config::Value& value : listed) {
    const std::string text = value.String();
    if (text == "*") {
      any = true;
    } else if (const std::string checked = check(text, value); !checked.empty()) {
      out.append(out.empty() ? "" : ", ").append(checked);
    }
  }
  if (any && listed.size() > 1) {
    listed.front().Error("\"*\" stands alone: it allows all");
  }
  return out;
}

std::string CheckedMethod(const std::string& text, const config::Value& at) {
  if (!pipeline::IsToken(text)) {
    at.Error("\"" + text + "\" is not a method");
    return {};
  }
  std::string upper = text;
  for (char& c : upper) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c;
  }
  if (upper != text) {
    at.Error("methods are compared with their case", upper);
  }
  return text;
}

std::string CheckedHeader(const std::string& text, const config::Value& at) {
  if (!IsFieldName(text)) {
    at.Error("\"" + text + "\" is not the name of a header field");
    return {};
  }
  return Lowercase(text);
}

void LoadLists(config::Object& in, Rules& rules) {
  using config::About;
  rules.methods = LoadNames(
      in.List("allow_methods",
              About("Methods that pages may use; GET, HEAD and POST always may. \"*\": all.")
                  .Type("method")
                  .Example("[GET, POST, DELETE]")),
      rules.any_method, CheckedMethod);
  rules.headers = LoadNames(
      in.List("allow_headers",
              About("Header fields that pages may send, beside those that every page may. \"*\": "
                    "all, but `authorization` only when it is listed or with allow_credentials.")
                  .Type("header's name")
                  .Example("[authorization, content-type]")),
      rules.any_header, CheckedHeader);
  bool all_exposed = false;
  const std::vector<config::Value> exposed = in.List(
      "expose_headers",
      About("Header fields of the response that pages may read, beside those that every page may. "
            "\"*\": all.")
          .Type("header's name"));
  rules.exposed = LoadNames(exposed, all_exposed, CheckedHeader);
  rules.exposed = all_exposed ? "*" : rules.exposed;
  if (all_exposed && rules.credentials) {
    exposed.front().Error(
        "\"*\" means nothing to browsers with allow_credentials: list the fields");
  }
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  using config::About;
  Rules rules;
  pipeline::RegexCache regexes;
  const std::vector<config::Value> origins = in.List(
      "allow_origins",
      About(
          "Origins whose pages may use the service: scheme, host and port, with `*.` before a host "
          "for one or more labels, `:*` for any port; {regex: ...}; or \"*\" for all.")
          .Type("origin")
          .Required());
  for (const config::Value& origin : origins) {
    rules.origins.Load(origin, regexes);
  }
  rules.credentials = in.Bool("allow_credentials", false,
                              "Whether pages may send cookies and other credentials along.");
  LoadLists(in, rules);
  const Duration max_age = in.Time(
      "max_age", {std::chrono::minutes(10), Duration::zero(), std::chrono::hours(24)},
      "How long browsers may remember the answer to a preflight; Chromium takes 2h at most.");
  rules.max_age = std::to_string(std::chrono::floor<std::chrono::seconds>(max_age).count());
  rules.private_network = in.Bool("allow_private_network", false,
                                  "Whether pages of public sites may reach a service that is on a "
                                  "private network.");
  rules.deny_others = in.Bool("deny_others", false,
                              "Whether requests of other origins are answered with 403; else they "
                              "pass, and browsers keep the response from the page.");
  if (origins.empty() && !in.Has("allow_origins")) {
    in.Error("needs `allow_origins`");
  } else if (origins.empty()) {
    in.Error("allow_origins", "lists no origin");
  }
  if (rules.origins.HoldsAnybody() && rules.credentials) {
    in.Error(
        "allow_credentials",
        "with origins that anybody can have (\"*\", \"null\", an expression for all) every page "
        "on the web could act in the name of its visitors: list the origins");
  }
  return std::make_shared<CorsDefinition>(std::move(rules), context);
}

}  // namespace

pipeline::FilterType Cors() {
  return {"cors",
          Load,
          "Lets pages of other origins use a service (CORS).",
          {"allow_origins: [\"https://app.example.com\", {regex: "
           "\"https://pr-[0-9]+[.]example[.]dev\"}], "
           "allow_methods: [GET, DELETE], allow_headers: [authorization], expose_headers: "
           "[x-request-id], allow_credentials: true, max_age: 10m, allow_private_network: false, "
           "deny_others: false"}};
}

}  // namespace gatehouse::filters
