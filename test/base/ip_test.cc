// SPDX-License-Identifier: Apache-2.0
#include "source/base/ip.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

bool Contains(std::string_view block, std::string_view address) {
  return ParseCidr(block)->Contains(*ParseIp(address));
}

std::string ErrorOf(std::string_view text) {
  const Result<Cidr> result = ParseCidr(text);
  return result ? "no error" : result.error().message;
}

TEST(IpTest, ParsesAndPrints) {
  for (const char* text : {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "::1", "2001:db8::1"}) {
    ASSERT_TRUE(ParseIp(text)) << text;
    EXPECT_EQ(ParseIp(text)->ToString(), text);
  }
  EXPECT_EQ(ParseIp("2001:DB8:0:0::1")->ToString(), "2001:db8::1");
  EXPECT_TRUE(ParseIp("10.0.0.1")->IsV4());
  EXPECT_FALSE(ParseIp("::1")->IsV4());
}

TEST(IpTest, MappedAddressesEqualIpv4) {
  EXPECT_EQ(ParseIp("::ffff:10.0.0.1"), ParseIp("10.0.0.1"));
  EXPECT_NE(ParseIp("::10.0.0.1"), ParseIp("10.0.0.1"));
}

TEST(IpTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4",
        ":", ":::", "1::2::3", "g::", "::1%eth0", "[::1]", "1.2.3.4:80", "10.0.0.0/8"}) {
    EXPECT_FALSE(ParseIp(text)) << text;
  }
  EXPECT_FALSE(ParseIp(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(ParseIp(std::string(100'000, '1')));
}

TEST(CidrTest, ContainsByPrefix) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(Contains("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(Contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(Contains("192.0.2.7/32", "192.0.2.6"));
  EXPECT_TRUE(Contains("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(Contains("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_FALSE(Contains("::1", "::2"));
}

TEST(CidrTest, FamiliesMeetOnlyInTheMappedForm) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(Contains("::/0", "1.2.3.4"));
  EXPECT_TRUE(Contains("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(Contains("::ffff:10.0.0.0/104", "11.1.2.3"));
}

TEST(CidrTest, SaysWhatIsWrong) {
  EXPECT_EQ(ErrorOf("10.0.0.1/8"), "\"10.0.0.1/8\" has bits set past its prefix length");
  EXPECT_EQ(ErrorOf("10.0.0.0/33"),
            "\"10.0.0.0/33\" has a prefix length that is not between 0 and 32");
  EXPECT_EQ(ErrorOf("::/129"), "\"::/129\" has a prefix length that is not between 0 and 128");
  for (const char* text : {"10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/-1"}) {
    EXPECT_NE(ErrorOf(text).find("prefix length"), std::string::npos) << text;
  }
  for (const char* text : {"", "/8", "ten/8", "10.0.0/8"}) {
    EXPECT_EQ(ErrorOf(text), "\"" + std::string(text) + "\" is not an IP address or CIDR block");
  }
}

}  // namespace
}  // namespace gatehouse
