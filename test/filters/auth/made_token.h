// SPDX-License-Identifier: Apache-2.0
// Tokens for tests, signed with a secret.
#pragma once

#include <string>
#include <string_view>

#include "source/base/hmac.h"

namespace gatehouse::filters {

inline std::string EncodeBase64Url(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) {
      out.push_back(kAlphabet[bits >> (count - 6) & 63]);
    }
  }
  if (count > 0) {
    out.push_back(kAlphabet[bits << (6 - count) & 63]);
  }
  return out;
}

inline constexpr std::string_view kTestSecret = "0123456789abcdef0123456789abcdef";

// A JWKS with that secret.
inline std::string SecretJwks(std::string_view kid = "k", std::string_view secret = kTestSecret) {
  return R"({"keys":[{"kty":"oct","kid":")" + std::string(kid) + R"(","k":")" +
         EncodeBase64Url(secret) + "\"}]}";
}

// `claims`: the JSON text.
inline std::string SignToken(std::string_view claims, std::string_view kid = "k",
                             std::string_view secret = kTestSecret) {
  std::string text = EncodeBase64Url(R"({"alg":"HS256","kid":")" + std::string(kid) + "\"}");
  text.append(".").append(EncodeBase64Url(claims));
  Hmac mac(Hmac::Hash::kSha256, secret);
  return text + "." + EncodeBase64Url(mac.Code(text));
}

// With the claims that every policy here asks for, and `more`: `,"a":1`.
inline std::string MadeToken(std::string_view more = {}, std::string_view sub = "jane") {
  return SignToken(R"({"iss":"idp","aud":"api","exp":4102444800,"sub":")" + std::string(sub) +
                   "\"" + std::string(more) + "}");
}

}  // namespace gatehouse::filters
