// SPDX-License-Identifier: Apache-2.0
#include "source/tls/spki_pin.h"

#include <algorithm>
#include <string>

#include "source/base/base64url.h"

namespace gatehouse::tls {

std::optional<SpkiPin> ParseSpkiPin(std::string_view text) {
  constexpr std::string_view kScheme = "sha256//";
  constexpr size_t kCharacters = 44;  // Of 32 bytes in base64.
  if (text.starts_with(kScheme)) {
    text.remove_prefix(kScheme.size());
  }
  if (text.size() != kCharacters || text.back() != '=' || text.find_first_of("-_") != text.npos) {
    return std::nullopt;
  }
  std::string url(text.substr(0, kCharacters - 1));
  std::replace(url.begin(), url.end(), '+', '-');
  std::replace(url.begin(), url.end(), '/', '_');
  const std::optional<std::string> bytes = DecodeBase64Url(url);
  SpkiPin out{};
  if (!bytes || bytes->size() != out.size()) {
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

}  // namespace gatehouse::tls
