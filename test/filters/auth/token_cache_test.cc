// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/token_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::filters {
namespace {

TokenRef Made(const std::string& text, uint64_t generation = 1) {
  FlatJson claims;
  EXPECT_TRUE(
      claims.Parse(R"({"sub":"jane","scope":"a  b","scp":["c","d e"],"groups":["x","y"]})"));
  VerifiedToken::Facts facts;
  facts.filter = "jwt";
  facts.subject = claims.Find("sub")->value;
  facts.groups_claim = "groups";
  facts.generation = generation;
  return VerifiedToken::Make(text, claims, facts);
}

std::string Text(int i) { return "header.payload." + std::string(24, 's') + std::to_string(i); }

TEST(VerifiedTokenTest, HasAllThatTheClaimsSay) {
  const TokenRef token = Made("a.b.c");
  EXPECT_EQ(token->text(), "a.b.c");
  EXPECT_EQ(token->identity().subject, "jane");
  EXPECT_EQ(token->identity().filter, "jwt");
  ASSERT_EQ(token->identity().groups.size(), 2U);
  EXPECT_EQ(token->identity().groups[1], "y");
  ASSERT_EQ(token->identity().claims.size(), 6U);
  EXPECT_EQ(token->identity().claims[1].name, "scope");
  EXPECT_EQ(token->identity().claims[1].value, "a  b");
  const std::vector<std::string_view> scopes(token->scopes().begin(), token->scopes().end());
  EXPECT_EQ(scopes, (std::vector<std::string_view>{"a", "b", "c", "d", "e"}));
}

TEST(TokenCacheTest, FindsTheSameBytesAndNoOthers) {
  TokenCache cache(1 << 20);
  EXPECT_FALSE(cache.Find("a.b.c", 1));
  cache.Add(Made(Text(1)));
  EXPECT_EQ(cache.Find(Text(1), 1)->text(), Text(1));
  EXPECT_FALSE(cache.Find(Text(2), 1));
  EXPECT_FALSE(cache.Find("x" + Text(1), 1));
  EXPECT_FALSE(cache.Find(Text(1).substr(1), 1));
  std::string changed = Text(1);
  changed[0] = 'x';  // Far from the end, which the hash is made of.
  EXPECT_FALSE(cache.Find(changed, 1));
  EXPECT_FALSE(cache.Find("", 1));
}

TEST(TokenCacheTest, AnotherGenerationIsAnotherToken) {
  TokenCache cache(1 << 20);
  cache.Add(Made(Text(1), 1));
  EXPECT_FALSE(cache.Find(Text(1), 2));
  cache.Add(Made(Text(1), 2));
  EXPECT_EQ(cache.Find(Text(1), 2)->generation(), 2U);
}

TEST(TokenCacheTest, StaysWithinItsBound) {
  constexpr size_t kBound = 64 * 1024;
  TokenCache cache(kBound);
  for (int i = 0; i < 10'000; ++i) {
    cache.Add(Made(Text(i)));
    ASSERT_LE(cache.bytes(), kBound);
  }
  EXPECT_GT(cache.bytes(), kBound / 2);
  EXPECT_TRUE(cache.Find(Text(9'999), 1));
  EXPECT_FALSE(cache.Find(Text(0), 1));
  size_t found = 0;
  for (int i = 0; i < 10'000; ++i) {
    found += cache.Find(Text(i), 1) ? 1 : 0;
  }
  EXPECT_EQ(found, cache.size());
}

TEST(TokenCacheTest, WhatIsUsedStays) {
  TokenCache cache(32 * 1024);
  cache.Add(Made(Text(-1)));
  for (int i = 0; i < 1'000; ++i) {
    cache.Add(Made(Text(i)));
    ASSERT_TRUE(cache.Find(Text(-1), 1)) << i;
  }
}

TEST(TokenCacheTest, AllOfThemInUseTheOldestGoes) {
  TokenCache cache(8 * 1024);
  for (int i = 0; i < 100; ++i) {
    cache.Add(Made(Text(i)));
    for (int j = 0; j <= i; ++j) {
      cache.Find(Text(j), 1);
    }
  }
  EXPECT_LE(cache.bytes(), 8U * 1024);
  EXPECT_TRUE(cache.Find(Text(99), 1));
}

TEST(TokenCacheTest, AStreamKeepsATokenThatIsEvicted) {
  TokenRef held;
  {
    TokenCache cache(8 * 1024);
    cache.Add(Made(Text(-1)));
    held = cache.Find(Text(-1), 1);
    for (int i = 0; i < 1'000; ++i) {
      cache.Add(Made(Text(i)));
    }
    EXPECT_FALSE(cache.Find(Text(-1), 1));
    EXPECT_EQ(held->identity().subject, "jane");
  }
  EXPECT_EQ(held->text(), Text(-1));
}

TEST(TokenCacheTest, WhatIsLargerThanTheCacheIsNotRemembered) {
  TokenCache none(0);
  none.Add(Made(Text(1)));
  EXPECT_FALSE(none.Find(Text(1), 1));
  TokenCache small(4096);
  small.Add(Made(Text(1)));
  small.Add(Made(std::string(8000, 'x')));
  EXPECT_FALSE(small.Find(std::string(8000, 'x'), 1));
  EXPECT_TRUE(small.Find(Text(1), 1));
  EXPECT_LE(small.bytes(), 4096U);
}

}  // namespace
}  // namespace gatehouse::filters
