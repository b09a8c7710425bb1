// SPDX-License-Identifier: Apache-2.0
#include "source/base/hmac.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace gatehouse {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out.push_back("0123456789abcdef"[c >> 4]);
    out.push_back("0123456789abcdef"[c & 15]);
  }
  return out;
}

// RFC 4231 section 4.3, test case 2.
TEST(HmacTest, KnownCodes) {
  const auto code = [](Hmac::Hash hash) {
    return Hex(Hmac(hash, "Jefe").Code("what do ya want for nothing?"));
  };
  EXPECT_EQ(code(Hmac::Hash::kSha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(code(Hmac::Hash::kSha384),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
            "8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(code(Hmac::Hash::kSha512),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST(HmacTest, OneAfterAnother) {
  Hmac mac(Hmac::Hash::kSha256, "key");
  const std::string first(mac.Code("a"));
  EXPECT_NE(mac.Code("b"), first);
  EXPECT_EQ(mac.Code("a"), first);
  Hmac moved = std::move(mac);
  EXPECT_EQ(moved.Code("a"), first);
  EXPECT_NE(Hmac(Hmac::Hash::kSha256, "").Code("a"), first);
}

TEST(HmacTest, VerifiesWholeCodesOnly) {
  Hmac mac(Hmac::Hash::kSha256, "key");
  std::string code(mac.Code("a"));
  EXPECT_TRUE(mac.Verify("a", code));
  EXPECT_FALSE(mac.Verify("b", code));
  EXPECT_FALSE(mac.Verify("a", code.substr(0, 16)));
  EXPECT_FALSE(mac.Verify("a", ""));
  EXPECT_FALSE(mac.Verify("a", code + "x"));
  code.back() ^= 1;
  EXPECT_FALSE(mac.Verify("a", code));
}

}  // namespace
}  // namespace gatehouse
