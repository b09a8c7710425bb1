// SPDX-License-Identifier: Apache-2.0
#include "source/filters/field_name.h"

#include <algorithm>

#include "source/base/text.h"
#include "source/http/message/names.h"

namespace gatehouse::filters {
namespace {

// Why a field can't be edited; empty when it can.
std::string_view Refusal(std::string_view name) {
  const http::Known known = http::LookUpName(name);
  if (known == http::Known::kHost) {
    return "names where the request goes: a route's `rewrite` changes it";
  }
  if (known == http::Known::kContentLength || known == http::Known::kTransferEncoding ||
      known == http::Known::kTrailer || known == http::Known::kExpect) {
    return "says how the message is framed: the gateway writes it itself";
  }
  if (http::IsHopByHop(known) || known == http::Known::kHttp2Settings) {
    return "belongs to one connection: the gateway writes it itself";
  }
  return {};
}

}  // namespace

bool IsFieldName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    const char lower = ToLower(c);
    return (lower >= 'a' && lower <= 'z') || IsDigit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool SameVariable(std::string_view sent, std::string_view name) {
  return sent.size() == name.size() &&
         std::equal(sent.begin(), sent.end(), name.begin(), [](char a, char b) {
           return ToLower(a) == b || (a == '_' && b == '-') || (a == '-' && b == '_');
         });
}

void RemoveVariable(http::Headers& fields, std::string_view name) {
  for (const http::Field& field : fields) {
    if (SameVariable(field.name, name)) [[unlikely]] {
      fields.Remove(std::string_view(field.name));
    }
  }
}

bool HoldsControls(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::string CheckedFieldName(const std::string& name, const config::Value& at) {
  if (!IsFieldName(name)) {
    at.Error("\"" + name + "\" is not the name of a header field");
    return {};
  }
  if (const std::string_view refusal = Refusal(name); !refusal.empty()) {
    at.Error("\"" + name + "\" " + std::string(refusal));
    return {};
  }
  return Lowercase(name);
}

}  // namespace gatehouse::filters
