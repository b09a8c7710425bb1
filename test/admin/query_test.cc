// SPDX-License-Identifier: Apache-2.0
#include "source/admin/query.h"

#include <gtest/gtest.h>

namespace gatehouse::admin {
namespace {

TEST(Query, DecodesNamesAndValues) {
  const Query query("method=GET&url=http%3A%2F%2Fh%2Fp%3Fa%3D1%26b&x=two+words&flag&=odd");
  EXPECT_EQ(query.Value("method"), "GET");
  EXPECT_EQ(query.Value("url"), "http://h/p?a=1&b");
  EXPECT_EQ(query.Value("x"), "two words");
  EXPECT_TRUE(query.Has("flag"));
  EXPECT_EQ(query.Value("flag"), "");
  EXPECT_FALSE(query.Has("missing"));
}

TEST(Query, KeepsRepeatedNamesInOrder) {
  const Query query("header=a:1&other=x&header=b:2");
  EXPECT_EQ(query.Values("header"), (std::vector<std::string>{"a:1", "b:2"}));
  EXPECT_EQ(query.Value("header"), "a:1");
}

TEST(Query, TakesWhatEscapesNothingAsItIs) {
  const Query query("a=%&b=%4&c=%zz&d=100%25&&");
  EXPECT_EQ(query.Value("a"), "%");
  EXPECT_EQ(query.Value("b"), "%4");
  EXPECT_EQ(query.Value("c"), "%zz");
  EXPECT_EQ(query.Value("d"), "100%");
}

TEST(Query, KeepsABoundedNumber) {
  std::string text;
  for (size_t i = 0; i < 2 * Query::kMaxParameters; ++i) {
    text += "a=1&";
  }
  EXPECT_EQ(Query(text).Values("a").size(), Query::kMaxParameters);
}

}  // namespace
}  // namespace gatehouse::admin
