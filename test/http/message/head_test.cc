// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/head.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(HeadTest, MethodsAreCaseSensitive) {
  EXPECT_EQ(ParseMethod("GET"), Method::kGet);
  EXPECT_EQ(ParseMethod("HEAD"), Method::kHead);
  EXPECT_EQ(ParseMethod("POST"), Method::kPost);
  EXPECT_EQ(ParseMethod("PUT"), Method::kPut);
  EXPECT_EQ(ParseMethod("DELETE"), Method::kDelete);
  EXPECT_EQ(ParseMethod("CONNECT"), Method::kConnect);
  EXPECT_EQ(ParseMethod("OPTIONS"), Method::kOptions);
  EXPECT_EQ(ParseMethod("TRACE"), Method::kTrace);
  EXPECT_EQ(ParseMethod("PATCH"), Method::kPatch);
  for (const char* other : {"", "get", "Get", "GETS", "BREW", "PROPFIND", "options"}) {
    EXPECT_EQ(ParseMethod(other), Method::kOther) << other;
  }
}

TEST(HeadTest, IdempotentMethods) {
  EXPECT_TRUE(IsIdempotent(Method::kGet));
  EXPECT_TRUE(IsIdempotent(Method::kDelete));
  EXPECT_FALSE(IsIdempotent(Method::kPost));
  EXPECT_FALSE(IsIdempotent(Method::kPatch));
  EXPECT_FALSE(IsIdempotent(Method::kOther));
}

TEST(HeadTest, ReasonPhrases) {
  EXPECT_EQ(ReasonPhrase(100), "Continue");
  EXPECT_EQ(ReasonPhrase(200), "OK");
  EXPECT_EQ(ReasonPhrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(ReasonPhrase(511), "Network Authentication Required");
  EXPECT_EQ(ReasonPhrase(0), "");
  EXPECT_EQ(ReasonPhrase(299), "");
  EXPECT_EQ(ReasonPhrase(999), "");
}

}  // namespace
}  // namespace gatehouse::http
