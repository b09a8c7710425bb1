// SPDX-License-Identifier: Apache-2.0
#include "source/base/base64url.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(Base64UrlTest, Decodes) {
  EXPECT_EQ(DecodeBase64Url(""), "");
  EXPECT_EQ(DecodeBase64Url("Zg"), "f");
  EXPECT_EQ(DecodeBase64Url("Zm8"), "fo");
  EXPECT_EQ(DecodeBase64Url("Zm9v"), "foo");
  EXPECT_EQ(DecodeBase64Url("Zm9vYg"), "foob");
  EXPECT_EQ(DecodeBase64Url("-_-_"), "\xfb\xff\xbf");
  EXPECT_EQ(DecodeBase64Url("AAAA"), std::string(3, '\0'));
}

TEST(Base64UrlTest, RefusesEverythingElse) {
  for (const char* text : {"Z", "Zm9vY", "Zg==", "Zm8=", "Zm9v=", "+/+/", "Zm9v\n", " Zm9v",
                           "Zm 9v", "Zm9v.", "Zm9v\x80", "Zm9*", "*m9v", "Z*9v"}) {
    EXPECT_EQ(DecodeBase64Url(text), std::nullopt) << text;
  }
  EXPECT_EQ(DecodeBase64Url(std::string_view("Zm9\0", 4)), std::nullopt);
}

// One text for any bytes: a signature that could be spelt in two ways would be found under one of
// them only.
TEST(Base64UrlTest, RefusesUnusedBits) {
  EXPECT_EQ(DecodeBase64Url("Zh"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zm9"), std::nullopt);
  EXPECT_EQ(DecodeBase64Url("Zo"), std::nullopt);
}

TEST(Base64UrlTest, WritesNoMoreThanItSays) {
  for (size_t size = 0; size < 20; ++size) {
    const std::string text(size, 'A');
    std::string out(Base64UrlBytes(size) + 1, 'x');
    const auto bytes = DecodeBase64Url(text, out.data());
    EXPECT_EQ(out.back(), 'x') << size;
    EXPECT_EQ(bytes.has_value(), size % 4 != 1);
  }
}

}  // namespace
}  // namespace gatehouse
