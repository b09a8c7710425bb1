// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/basic_credentials.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

constexpr std::array<int8_t, 256> MakeDigits() {
  std::array<int8_t, 256> out{};
  out.fill(-1);
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i) {
    out[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  }
  return out;
}
constexpr std::array<int8_t, 256> kDigitOf = MakeDigits();

// Strict: whole groups of four, padding at the end only, no bits left over.
std::optional<std::string_view> DecodeBase64(std::string_view text, Arena& arena) {
  if (text.empty() || text.size() % 4 != 0) {
    return std::nullopt;
  }
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  char* const out = static_cast<char*>(arena.Allocate(text.size()));
  size_t size = 0;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int8_t digit = kDigitOf[static_cast<uint8_t>(c)];
    if (digit < 0) {
      return std::nullopt;
    }
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out[size++] = static_cast<char>(bits >> count & 0xFF);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) {
    return std::nullopt;
  }
  return std::string_view(out, size);
}

auto Refused(std::string message) {
  return Fail(ErrorCode::kBadCredentials, ErrorSource::kDownstream, std::move(message));
}

}  // namespace

Result<BasicCredentials> ParseBasicCredentials(std::string_view token68, Arena& arena) {
  const std::optional<std::string_view> decoded = DecodeBase64(token68, arena);
  if (!decoded) {
    return Refused("the Basic credentials are not base64");
  }
  const size_t colon = decoded->find(':');
  if (colon == std::string_view::npos) {
    return Refused("the Basic credentials have no colon");
  }
  const BasicCredentials out{decoded->substr(0, colon), decoded->substr(colon + 1)};
  if (HoldsControls(*decoded) || decoded->find('\t') != std::string_view::npos) {
    return Refused("the Basic credentials have control characters");
  }
  if (out.user.empty()) {
    return Refused("the Basic credentials have no user's name");
  }
  return out;
}

}  // namespace gatehouse::filters
