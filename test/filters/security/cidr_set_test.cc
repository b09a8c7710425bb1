// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/cidr_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace gatehouse::filters {
namespace {

CidrSet SetOf(const std::vector<std::string>& texts) {
  std::vector<Cidr> blocks;
  for (const std::string& text : texts) {
    blocks.push_back(*ParseCidr(text));
  }
  return CidrSet(blocks);
}

bool Has(const CidrSet& set, std::string_view ip) { return set.Contains(*ParseIp(ip)); }

TEST(CidrSetTest, BordersAreExact) {
  const CidrSet set = SetOf({"192.0.2.0/24", "10.0.0.1", "2001:db8::/32"});
  EXPECT_FALSE(Has(set, "192.0.1.255"));
  EXPECT_TRUE(Has(set, "192.0.2.0"));
  EXPECT_TRUE(Has(set, "192.0.2.255"));
  EXPECT_FALSE(Has(set, "192.0.3.0"));
  EXPECT_TRUE(Has(set, "10.0.0.1"));
  EXPECT_FALSE(Has(set, "10.0.0.2"));
  EXPECT_TRUE(Has(set, "2001:db8::"));
  EXPECT_TRUE(Has(set, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(Has(set, "2001:db9::"));
}

TEST(CidrSetTest, TheEndsOfTheNumbers) {
  EXPECT_TRUE(Has(SetOf({"255.255.255.255"}), "255.255.255.255"));
  EXPECT_FALSE(Has(SetOf({"255.255.255.255"}), "0.0.0.0"));
  EXPECT_TRUE(Has(SetOf({"0.0.0.0"}), "0.0.0.0"));
  EXPECT_TRUE(Has(SetOf({"ffff::/16"}), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST(CidrSetTest, WholeFamilies) {
  EXPECT_TRUE(Has(SetOf({"0.0.0.0/0"}), "203.0.113.9"));
  EXPECT_FALSE(Has(SetOf({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_TRUE(Has(SetOf({"::/0"}), "2001:db8::1"));
  EXPECT_TRUE(Has(SetOf({"::/0"}), "203.0.113.9")) << "as Cidr::Contains() has it";
  EXPECT_FALSE(Has(SetOf({}), "203.0.113.9"));
  EXPECT_TRUE(SetOf({}).empty());
}

TEST(CidrSetTest, MappedAddressesAreIpv4) {
  EXPECT_TRUE(Has(SetOf({"192.0.2.0/24"}), "::ffff:192.0.2.1"));
  EXPECT_TRUE(Has(SetOf({"::ffff:192.0.2.0/120"}), "192.0.2.1"));
}

TEST(CidrSetTest, AgreesWithCidrContains) {
  std::minstd_rand random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<Cidr> blocks;
    std::vector<IpAddress> addresses;
    for (uint32_t i = 0; i < round % 40u + 1; ++i) {
      IpAddress base = *ParseIp(random() % 2 == 0 ? "10.0.0.0" : "2001:db8::");
      for (size_t byte = 13; byte < 16; ++byte) {
        base.bytes[byte] = static_cast<uint8_t>(random() % 4 * 64);
      }
      const auto prefix = static_cast<uint8_t>(104 + random() % 25);
      for (size_t bit = prefix; bit < 128; ++bit) {
        base.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
      }
      blocks.push_back({base, prefix});
      addresses.push_back(base);
      base.bytes[15] = static_cast<uint8_t>(base.bytes[15] + random());
      addresses.push_back(base);
      base.bytes[14] = static_cast<uint8_t>(base.bytes[14] - 1);
      addresses.push_back(base);
    }
    const CidrSet set(blocks);
    for (const IpAddress& address : addresses) {
      const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const Cidr& block) { return block.Contains(address); });
      ASSERT_EQ(set.Contains(address), expected) << address.ToString() << " round " << round;
    }
  }
}

}  // namespace
}  // namespace gatehouse::filters
