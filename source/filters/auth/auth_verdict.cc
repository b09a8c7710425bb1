// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/auth_verdict.h"

#include <algorithm>
#include <chrono>

#include "source/base/text.h"
#include "source/filters/auth/end_to_end.h"

namespace gatehouse::filters {
namespace {

using pipeline::FetchResponse;
using Kind = AuthVerdict::Kind;

bool IsListed(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return EqualsIgnoreCase(one, name); });
}

// Calls `visit(value)` for the fields of that name.
template <typename Visit>
void ForEachOf(const FieldList& fields, std::string_view name, Visit visit) {
  for (const auto& [key, value] : fields) {
    if (EqualsIgnoreCase(key, name)) {
      visit(std::string_view(value));
    }
  }
}

// What Cache-Control says to a cache whose entries are for one caller each (RFC 9111
// section 5.2.2).
std::optional<Duration> MaxAge(const FieldList& fields) {
  std::optional<Duration> out;
  const auto at_most = [&out](Duration limit) { out = out ? std::min(*out, limit) : limit; };
  ForEachOf(fields, "cache-control", [&](std::string_view value) {
    ForEachListElement(value, [&](std::string_view directive) {
      constexpr std::string_view kMaxAge = "max-age=";
      constexpr uint64_t kYear = 365 * 24 * 3600;
      if (EqualsIgnoreCase(directive.substr(0, kMaxAge.size()), kMaxAge)) {
        const auto seconds = ParseUint(directive.substr(kMaxAge.size()));
        at_most(std::chrono::seconds(std::min(seconds.value_or(0), kYear)));
      } else if (EqualsIgnoreCase(directive, "no-store") ||
                 EqualsIgnoreCase(directive.substr(0, directive.find('=')), "no-cache")) {
        at_most(Duration::zero());
      }
      return true;
    });
  });
  return out;
}

// The fields named, where a message of ours can have them.
FieldList Chosen(const FieldList& fields, bool all, const std::vector<std::string>& names) {
  FieldList out;
  for (const auto& [name, value] : fields) {
    if ((all || IsListed(names, name)) && IsEndToEnd(name) && !IsNamedByConnection(fields, name)) {
      out.emplace_back(Lowercase(name), value);
    }
  }
  return out;
}

void Identify(const AnswerRules& rules, std::string_view filter, const FieldList& fields,
              AuthVerdict& out) {
  std::string subject;
  ForEachOf(fields, rules.subject, [&](std::string_view value) {
    subject = subject.empty() ? std::string(value) : subject;
  });
  if (rules.subject.empty() || subject.empty()) {
    return;
  }
  // Complete before anything points into it.
  FieldList& kept = out.identity_fields;
  kept.emplace_back("", std::move(subject));
  ForEachOf(fields, rules.groups, [&](std::string_view value) {
    ForEachListElement(value, [&](std::string_view group) {
      kept.emplace_back("", group);
      return true;
    });
  });
  const size_t groups_end = kept.size();
  for (const auto& [claim, field] : rules.claims) {
    ForEachOf(fields, field, [&](std::string_view value) { kept.emplace_back(claim, value); });
  }
  for (size_t i = 1; i < kept.size(); ++i) {
    if (i < groups_end) {
      out.groups.push_back(kept[i].second);
    } else {
      out.claims.push_back({kept[i].first, kept[i].second});
    }
  }
  out.identity = observe::Identity{.kind = observe::IdentityKind::kForwardAuth,
                                   .filter = filter,
                                   .subject = kept.front().second,
                                   .groups = out.groups,
                                   .claims = out.claims};
}

void Allow(const AnswerRules& rules, std::string_view filter, const FieldList& fields,
           AuthVerdict& out) {
  out.kind = Kind::kAllow;
  out.upstream_fields = Chosen(fields, false, rules.upstream_headers);
  out.client_fields = Chosen(fields, false, rules.client_headers);
  Identify(rules, filter, fields, out);
}

void Deny(const AnswerRules& rules, FetchResponse& answer, AuthVerdict& out) {
  out.kind = Kind::kDeny;
  out.client_fields = Chosen(answer.headers, rules.all_denied_headers, rules.denied_headers);
  ForEachOf(answer.headers, "content-type",
            [&](std::string_view value) { out.content_type = value; });
  std::erase_if(out.client_fields, [](const auto& field) {
    return field.first == "content-type" || field.first == "date";  // The reply has its own.
  });
  const auto is_challenge = [](const auto& field) { return field.first == "www-authenticate"; };
  if (answer.status == 401 && !rules.challenge.empty() &&
      std::none_of(out.client_fields.begin(), out.client_fields.end(), is_challenge)) {
    out.client_fields.emplace_back("www-authenticate", rules.challenge);
  }
  out.body = std::move(answer.body);
}

size_t BytesOf(const FieldList& fields) {
  size_t bytes = 0;
  for (const auto& [name, value] : fields) {
    bytes += sizeof(fields.front()) + name.size() + value.size();
  }
  return bytes;
}

}  // namespace

size_t AuthVerdict::bytes() const {
  return sizeof(*this) + BytesOf(upstream_fields) + BytesOf(client_fields) +
         BytesOf(identity_fields) + content_type.size() + body.size();
}

std::shared_ptr<const AuthVerdict> JudgeAnswer(const AnswerRules& rules, std::string_view filter,
                                               Result<FetchResponse> answer) {
  auto out = std::make_shared<AuthVerdict>();
  if (!answer) {
    out->failure = std::move(answer.error());
    return out;
  }
  out->status = answer->status;
  out->max_age = MaxAge(answer->headers);
  // 304 answers a condition, and the question has none.
  if (answer->status < 200 || answer->status >= 500 || answer->status == 304) {
    out->failure = {ErrorCode::kAuthUnavailable, ErrorSource::kUpstream,
                    "it answered " + std::to_string(answer->status)};
  } else if (answer->status < 300) {
    Allow(rules, filter, answer->headers, *out);
  } else {
    Deny(rules, *answer, *out);
  }
  const auto sets_cookie = [](const auto& field) { return field.first == "set-cookie"; };
  if (std::any_of(out->client_fields.begin(), out->client_fields.end(), sets_cookie)) {
    out->max_age = Duration::zero();  // A cookie is set once.
  }
  return out;
}

}  // namespace gatehouse::filters
