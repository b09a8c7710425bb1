// SPDX-License-Identifier: Apache-2.0
#include "source/route/labels.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::route {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxPrefix = 253;
constexpr char kNameRule[] =
    ": at most 63 letters, digits, \"-\", \"_\", \".\", with a letter or digit at both ends";

bool IsAlphanumeric(char c) { return IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'z'); }

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

// A DNS name in lower case (RFC 1123).
bool IsPrefix(std::string_view text) {
  if (text.size() > kMaxPrefix) {
    return false;
  }
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (!IsName(part) || part.find('_') != part.npos || Lowercase(part) != part) {
      return false;
    }
    if (dot == text.npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

bool IsKey(std::string_view text) {
  const size_t slash = text.find('/');
  return slash == text.npos ? IsName(text)
                            : IsPrefix(text.substr(0, slash)) && IsName(text.substr(slash + 1));
}

}  // namespace

LabelSet LoadLabels(config::Object& in) {
  LabelSet out;
  for (const auto& [key, value] :
       in.Entries("labels", "Labels that an endpoint must carry to be chosen, all of them.")) {
    std::string text = value.String();
    if (!IsKey(key)) {
      value.Error("\"" + key + "\" is not a label key" + kNameRule +
                  ", after a DNS name and \"/\" if you like");
    } else if (!text.empty() && !IsName(text)) {
      value.Error("\"" + text + "\" is not a label value" + kNameRule);
    } else {
      out.emplace_back(key, std::move(text));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace gatehouse::route
