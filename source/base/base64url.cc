// SPDX-License-Identifier: Apache-2.0
#include "source/base/base64url.h"

#include <array>
#include <cstdint>

namespace gatehouse {
namespace {

constexpr uint8_t kBad = 0xff;

constexpr std::array<uint8_t, 256> kValues = [] {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<uint8_t, 256> out{};
  out.fill(kBad);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    out[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return out;
}();

uint32_t ValueOf(char c) { return kValues[static_cast<uint8_t>(c)]; }

}  // namespace

std::optional<size_t> DecodeBase64Url(std::string_view text, char* out) {
  const char* in = text.data();
  const char* const whole_end = in + text.size() / 4 * 4;
  char* to = out;
  uint32_t seen = 0;  // Of a bad character all bits are set, of others the two highest are not.
  while (in != whole_end) {
    const uint32_t a = ValueOf(in[0]);
    const uint32_t b = ValueOf(in[1]);
    const uint32_t c = ValueOf(in[2]);
    const uint32_t d = ValueOf(in[3]);
    seen |= a | b | c | d;
    const uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<char>(bits >> 16);
    to[1] = static_cast<char>(bits >> 8);
    to[2] = static_cast<char>(bits);
    in += 4;
    to += 3;
  }
  const size_t left = text.size() % 4;
  if (left == 1) {
    return std::nullopt;
  }
  if (left != 0) {
    const uint32_t a = ValueOf(in[0]);
    const uint32_t b = ValueOf(in[1]);
    const uint32_t c = left == 3 ? ValueOf(in[2]) : 0;
    seen |= a | b | c;
    const uint32_t bits = a << 18 | b << 12 | c << 6;
    *to++ = static_cast<char>(bits >> 16);
    if (left == 3) {
      *to++ = static_cast<char>(bits >> 8);
    }
    if ((bits & (left == 3 ? 0xffU : 0xffffU)) != 0) {
      return std::nullopt;
    }
  }
  if (seen >= 64) {
    return std::nullopt;
  }
  return static_cast<size_t>(to - out);
}

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  std::string out(Base64UrlBytes(text.size()), '\0');
  const std::optional<size_t> size = DecodeBase64Url(text, out.data());
  if (!size) {
    return std::nullopt;
  }
  out.resize(*size);
  return out;
}

}  // namespace gatehouse
