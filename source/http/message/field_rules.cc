// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/field_rules.h"

#include <algorithm>
#include <array>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

bool IsForbiddenTrailer(const Field& field) {
  switch (field.known) {
    case Known::kDate:
    case Known::kServer:
    case Known::kXRequestId:
      return false;
    case Known::kNone:
      break;
    default:
      return true;
  }
  static constexpr std::string_view kForbidden[] = {"age",
                                                    "cache-control",
                                                    "content-disposition",
                                                    "content-encoding",
                                                    "content-range",
                                                    "content-location",
                                                    "content-language",
                                                    "expires",
                                                    "if-match",
                                                    "if-modified-since",
                                                    "if-none-match",
                                                    "if-range",
                                                    "pragma",
                                                    "if-unmodified-since",
                                                    "proxy-authenticate",
                                                    "proxy-authorization",
                                                    "range",
                                                    "retry-after",
                                                    "set-cookie",
                                                    "vary",
                                                    "www-authenticate"};
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](std::string_view name) { return EqualsIgnoreCase(name, field.name); });
}

}  // namespace

bool LooksLikeKnown(std::string_view name) {
  std::array<char, 32> dashed;
  if (name.size() > dashed.size()) {
    return false;
  }
  std::replace_copy(name.begin(), name.end(), dashed.begin(), '_', '-');
  return LookUpName({dashed.data(), name.size()}) != Known::kNone;
}

void RemoveForbiddenTrailers(Headers& trailers) {
  for (const Field& field : trailers) {
    if (!field.name.empty() && IsForbiddenTrailer(field)) {
      trailers.Remove(field.name);
    }
  }
}

}  // namespace gatehouse::http
