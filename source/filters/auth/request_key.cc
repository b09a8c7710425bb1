// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/request_key.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/filters/field_name.h"
#include "source/pipeline/request_values.h"

namespace gatehouse::filters {
namespace {

using Place = RequestPart::Place;

constexpr std::string_view kCookie = "cookie:";
constexpr std::string_view kQuery = "query:";
// Neither is in any value: header fields with them are refused, and decoded ones are escaped.
constexpr char kEndOfValue = '\n';
constexpr char kEndOfPart = '\0';

// What a decoded query value may hold is anything.
void AppendEscaped(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c == kEndOfValue || c == kEndOfPart || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c + '0'));
    } else {
      out.push_back(c);
    }
  }
}

// Calls `visit(value)` for all values of the part, until it returns false.
template <typename Visit>
void ForEachValue(const RequestPart& part, const http::RequestHead& head, Arena& arena,
                  Visit visit) {
  switch (part.place) {
    case Place::kHeader:
      pipeline::ForEachHeaderValue(head.headers, part.name, visit);
      return;
    case Place::kCookie:
      pipeline::ForEachCookieValue(head.headers, part.name, visit);
      return;
    case Place::kQuery: {
      pipeline::QueryDecoder decoder(arena);
      pipeline::ForEachQueryValue(head.query, part.name, decoder, visit);
      return;
    }
  }
}

void AppendTrait(RequestTrait trait, const http::RequestHead& head, const observe::StreamInfo& info,
                 std::string& out) {
  switch (trait) {
    case RequestTrait::kMethod:
      out.append(head.method_name);
      break;
    case RequestTrait::kHost:
      out.append(info.scheme).append("://").append(head.authority);
      break;
    case RequestTrait::kPath:
      out.append(head.path);
      break;
    case RequestTrait::kQuery:
      out.append(head.target.size() > head.path.size() ? "?" : "").append(head.query);
      break;
    case RequestTrait::kClient:
      out.append(reinterpret_cast<const char*>(info.client.bytes.data()), info.client.bytes.size());
      break;
  }
}

}  // namespace

RequestPart RequestPart::Load(const config::Value& value) {
  const std::string text = value.String();
  if (!value.IsScalar()) {
    return {};
  }
  for (const auto& [prefix, place] :
       {std::pair(kCookie, Place::kCookie), {kQuery, Place::kQuery}}) {
    if (!text.starts_with(prefix)) {
      continue;
    }
    std::string name = text.substr(prefix.size());
    if (name.empty() || (place == Place::kCookie && !IsFieldName(name))) {
      value.Error("\"" + name + "\" is not the name of a " +
                  (place == Place::kCookie ? "cookie" : "query parameter"));
      return {};
    }
    return {place, std::move(name)};
  }
  return {Place::kHeader, CheckedFieldName(text, value)};
}

bool RequestPart::Append(const http::RequestHead& head, Arena& arena, std::string& out) const {
  bool any = false;
  ForEachValue(*this, head, arena, [&](std::string_view value) {
    any = true;
    if (place == Place::kQuery) {
      AppendEscaped(value, out);
    } else {
      out.append(value);
    }
    out.push_back(kEndOfValue);
    return true;
  });
  out.push_back(kEndOfPart);
  return any;
}

bool RequestPart::IsIn(const http::RequestHead& head, Arena& arena) const {
  bool any = false;
  ForEachValue(*this, head, arena, [&](std::string_view) {
    any = true;
    return false;
  });
  return any;
}

bool RequestPart::Covers(const RequestPart& other) const {
  return *this == other ||
         (place == Place::kHeader && name == "cookie" && other.place == Place::kCookie);
}

std::string RequestPart::ToText() const {
  return std::string(place == Place::kCookie  ? kCookie
                     : place == Place::kQuery ? kQuery
                                              : std::string_view()) +
         name;
}

std::vector<RequestPart> LoadRequestParts(config::Object& in, std::string_view key,
                                          const config::About& about,
                                          std::vector<RequestPart> defaults) {
  const config::Value list = in.Get(key, about);
  if (!list.present()) {
    return defaults;
  }
  std::vector<RequestPart> parts;
  for (const config::Value& value : list.List()) {
    RequestPart part = RequestPart::Load(value);
    if (part.name.empty()) {
      continue;
    }
    if (std::find(parts.begin(), parts.end(), part) != parts.end()) {
      value.Error("is given twice");
      continue;
    }
    parts.push_back(std::move(part));
  }
  if (list.IsList() && list.size() == 0) {
    list.Error("needs at least one header, cookie:NAME or query:NAME");
  }
  return parts;
}

bool RequestKey::Make(const http::RequestHead& head, const observe::StreamInfo& info, Arena& arena,
                      std::string& out) const {
  out.clear();
  bool any = false;
  for (const RequestPart& part : parts_) {
    any = part.Append(head, arena, out) || any;
  }
  for (const RequestTrait trait : traits_) {
    AppendTrait(trait, head, info, out);
    out.push_back(kEndOfPart);
  }
  return any;
}

}  // namespace gatehouse::filters
