// SPDX-License-Identifier: Apache-2.0
#include "source/route/regex_prefix.h"

#include <string>

#include <gtest/gtest.h>
#include <re2/re2.h>

namespace gatehouse::route {
namespace {

std::string PrefixOf(const std::string& pattern) { return LiteralPrefix(re2::RE2(pattern)); }

TEST(RegexPrefix, LiteralsUpToTheFirstOpenCharacter) {
  EXPECT_EQ(PrefixOf("/users/[0-9]+"), "/users/");
  EXPECT_EQ(PrefixOf("/users/.*"), "/users/");
  EXPECT_EQ(PrefixOf("^/users/(a|b)$"), "/users/");
  EXPECT_EQ(PrefixOf("/users/(?:a|b)"), "/users/");
  EXPECT_EQ(PrefixOf("/users/(?P<id>.*)"), "/users/");
  EXPECT_EQ(PrefixOf("/a\\.b/\\d+"), "/a.b/");
  EXPECT_EQ(PrefixOf("/all"), "/all");
}

TEST(RegexPrefix, RepeatedCharactersDontBelong) {
  EXPECT_EQ(PrefixOf("/ab?"), "/a");
  EXPECT_EQ(PrefixOf("/ab*"), "/a");
  EXPECT_EQ(PrefixOf("/ab{0,2}"), "/a");
  EXPECT_EQ(PrefixOf("/ab+"), "/a");
  EXPECT_EQ(PrefixOf("/ab(?i){0,1}"), "/a");
  EXPECT_EQ(PrefixOf("/a\\.?"), "/a");
}

TEST(RegexPrefix, AlternativesAndOptionsHaveNone) {
  EXPECT_EQ(PrefixOf("/a|/b"), "");
  EXPECT_EQ(PrefixOf("/a[|]b"), "/a");
  EXPECT_EQ(PrefixOf("/a[]|]b"), "/a");
  EXPECT_EQ(PrefixOf("/a[[:alpha:]|]b"), "/a");
  EXPECT_EQ(PrefixOf("/a\\|b"), "/a|b");
  EXPECT_EQ(PrefixOf("(?i)/a"), "");
  EXPECT_EQ(PrefixOf("\\Q/a\\E"), "");
  EXPECT_EQ(PrefixOf(".*"), "");
  EXPECT_EQ(PrefixOf(""), "");
  re2::RE2::Options options;
  options.set_case_sensitive(false);
  EXPECT_EQ(LiteralPrefix(re2::RE2("/a", options)), "");
}

}  // namespace
}  // namespace gatehouse::route
