// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/auth_question.h"

#include <algorithm>
#include <string_view>

#include "source/base/text.h"
#include "source/filters/auth/end_to_end.h"

namespace gatehouse::filters {
namespace {

bool IsListed(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& one) { return EqualsIgnoreCase(one, name); });
}

bool StartsWith(std::string_view name, std::string_view prefix) {
  return EqualsIgnoreCase(name.substr(0, prefix.size()), prefix);
}

// Fields that would make the question a wrong one: about content that does not come along, or about
// a part or a version of a resource that is another's; and what names addresses, which a client can
// write as it likes.
bool IsNeverTold(std::string_view name) {
  const http::Known known = http::LookUpName(name);
  return !IsEndToEnd(name) || known == http::Known::kHost || known == http::Known::kVia ||
         known == http::Known::kForwarded || known == http::Known::kXRealIp ||
         StartsWith(name, "content-") || StartsWith(name, "if-") ||
         EqualsIgnoreCase(name, "range") || StartsWith(name, "x-forwarded-") ||
         StartsWith(name, "x-original-");
}

bool IsNamedByConnection(const http::Headers& headers, std::string_view name) {
  bool named = false;
  for (const http::Field* field = headers.Find(http::Known::kConnection); field != nullptr;
       field = headers.Next(*field)) {
    ForEachListElement(field->value, [&](std::string_view option) {
      named = named || EqualsIgnoreCase(option, name);
      return !named;
    });
  }
  return named;
}

constexpr std::string_view kOwn[] = {
    "x-forwarded-for", "x-forwarded-host",  "x-forwarded-method", "x-forwarded-proto",
    "x-forwarded-uri", "x-original-method", "x-original-uri",     "x-original-url",
};

}  // namespace

bool AuthQuestion::IsOwn(std::string_view name) {
  return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
}

pipeline::FetchRequest AuthQuestion::About(const http::RequestHead& head,
                                           const observe::StreamInfo& info) const {
  pipeline::FetchRequest out{.cluster = target.cluster,
                             .method = method,
                             .target = target.target,
                             .timeout = timeout,
                             .max_response_bytes = max_response_bytes,
                             .host = target.host};
  head.headers.ForEach([&](const http::Field& field) {
    const bool wanted =
        IsListed(fields, field.name) ||
        (all_fields && !IsNeverTold(field.name) && !IsListed(held_back, field.name) &&
         !IsNamedByConnection(head.headers, field.name));
    if (wanted) {
      out.headers.emplace_back(field.name, field.value);
    }
  });
  const auto tell = [&out](std::string_view name, std::string value) {
    if (!value.empty()) {
      out.headers.emplace_back(name, std::move(value));
    }
  };
  // The client as the gateway knows it: what came in X-Forwarded-For may be made up.
  tell("X-Forwarded-For", info.client.ToString());
  tell("X-Forwarded-Host", std::string(head.authority));
  tell("X-Forwarded-Method", std::string(head.method_name));
  tell("X-Forwarded-Proto", std::string(info.scheme));
  tell("X-Forwarded-Uri", std::string(head.target));
  tell("X-Original-Method", std::string(head.method_name));
  tell("X-Original-URI", std::string(head.target));
  tell("X-Original-URL",
       std::string(info.scheme).append("://").append(head.authority).append(head.target));
  return out;
}

}  // namespace gatehouse::filters
