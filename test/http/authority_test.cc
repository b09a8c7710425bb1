// SPDX-License-Identifier: Apache-2.0
#include "source/http/authority.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

class AuthorityTest : public testing::Test {
 protected:
  std::optional<std::string_view> Normalise(std::string_view authority) {
    return NormaliseHost(authority, arena_);
  }

  ArenaPool pool_;
  Arena arena_{pool_};
};

TEST_F(AuthorityTest, CasePortAndTrailingDotDoNotCount) {
  EXPECT_EQ(Normalise("a.test"), "a.test");
  EXPECT_EQ(Normalise("A.Test:8080"), "a.test");
  EXPECT_EQ(Normalise("a.test."), "a.test");
  EXPECT_EQ(Normalise("A.TEST.:80"), "a.test");
  EXPECT_EQ(Normalise("a.test:"), "a.test");
  EXPECT_EQ(Normalise("a.test:0"), "a.test");
  EXPECT_EQ(Normalise("a.test:65535"), "a.test");
  EXPECT_EQ(Normalise("my_service-1~x"), "my_service-1~x");
  EXPECT_EQ(Normalise("192.0.2.1:80"), "192.0.2.1");
}

TEST_F(AuthorityTest, Ipv6KeepsItsBrackets) {
  EXPECT_EQ(Normalise("[::1]"), "[::1]");
  EXPECT_EQ(Normalise("[2001:DB8::1]:443"), "[2001:db8::1]");
  EXPECT_EQ(Normalise("[::ffff:192.0.2.1]"), "[::ffff:192.0.2.1]");
}

TEST_F(AuthorityTest, WhatIsNormalIsNotCopied) {
  constexpr std::string_view kAuthority = "a.test:80";
  EXPECT_EQ(Normalise(kAuthority)->data(), kAuthority.data());
}

TEST_F(AuthorityTest, AnythingElseIsRefused) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view authority : {""sv,
                                           "."sv,
                                           ":80"sv,
                                           "a.test:abc"sv,
                                           "a.test:80x"sv,
                                           "a.test:-1"sv,
                                           "a.test:+1"sv,
                                           "a.test:65536"sv,
                                           "a.test:000080"sv,
                                           "a.test:80:80"sv,
                                           "u@a.test"sv,
                                           "u:p@a.test"sv,
                                           "a.test/x"sv,
                                           "a.test?x"sv,
                                           "a.test#x"sv,
                                           "a.test, b.test"sv,
                                           "a.test,b.test"sv,
                                           "a test"sv,
                                           "a.test "sv,
                                           " a.test"sv,
                                           "a.t\xe9st"sv,
                                           "a%2etest"sv,
                                           "a%00"sv,
                                           "a\0b"sv,
                                           "a;b"sv,
                                           "a=b"sv,
                                           "a\\b"sv,
                                           "\"a\""sv,
                                           "<a>"sv,
                                           "[::1"sv,
                                           "::1"sv,
                                           "[::1]x"sv,
                                           "[::1]:x"sv,
                                           "[]"sv,
                                           "[a.test]"sv,
                                           "[1.2.3.4]"sv,
                                           "[::1%25eth0]"sv,
                                           "[v1.a]"sv,
                                           "[::1]]"sv,
                                           "[::g]"sv,
                                           "a[::1]"sv,
                                           "[\0::1]"sv}) {
    EXPECT_EQ(Normalise(authority), std::nullopt) << authority;
  }
}

}  // namespace
}  // namespace gatehouse::http
