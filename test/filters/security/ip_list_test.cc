// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/ip_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse::filters {
namespace {

struct Parsed {
  size_t count = 0;
  std::vector<std::pair<uint32_t, std::string>> mistakes;
  CidrSet set;
  bool Has(std::string_view ip) const { return set.Contains(*ParseIp(ip)); }
};

Parsed Parse(std::string_view text) {
  Parsed out;
  AddressBlocks blocks;
  out.count = ParseIpList(text, blocks, [&](uint32_t line, const std::string& message) {
    out.mistakes.emplace_back(line, message);
  });
  out.set = CidrSet(std::move(blocks));
  return out;
}

TEST(IpListTest, OneBlockALine) {
  const Parsed list = Parse(
      "# comment\n192.0.2.0/24 # a net\n; another\r\n\r\n\t10.0.0.1 ; a host\r\n2001:db8::/32\n"
      "::ffff:203.0.113.0/120\n198.51.100.10-198.51.100.20\n2001:db9::1 - 2001:db9::ff\n"
      "1:2:3:4:5:6:7:8");
  EXPECT_TRUE(list.mistakes.empty()) << list.mistakes[0].second;
  EXPECT_EQ(list.count, 7);
  for (const char* inside : {"192.0.2.255", "10.0.0.1", "2001:db8:ffff::1", "203.0.113.9",
                             "198.51.100.10", "198.51.100.20", "2001:db9::ff", "1:2:3:4:5:6:7:8"}) {
    EXPECT_TRUE(list.Has(inside)) << inside;
  }
  for (const char* outside :
       {"192.0.3.0", "10.0.0.2", "198.51.100.9", "198.51.100.21", "2001:db9::100", "2001:db7::1"}) {
    EXPECT_FALSE(list.Has(outside)) << outside;
  }
}

TEST(IpListTest, MistakesHaveTheirLines) {
  const Parsed list = Parse(
      "10.0.0.1\nnonsense\n\n192.0.2.7/24\n10.0.0.9-10.0.0.1\n1.2.3.4-::1\n"
      "1.2.3-4\n" +
      std::string(500, 'x') + "\n10.0.0.2\n");
  const std::vector<std::pair<uint32_t, std::string>> expected = {
      {2, "\"nonsense\" is not an IP address or CIDR block"},
      {4, "\"192.0.2.7/24\" has bits set past its prefix length"},
      {5, "\"10.0.0.9-10.0.0.1\" ends before it begins"},
      {6, "\"1.2.3.4-::1\" begins with an address of one kind and ends with one of the other"},
      {7, "\"1.2.3-4\" is not a range of two IP addresses"},
      {8, "\"" + std::string(80, 'x') + "...\" is not an IP address or CIDR block"}};
  EXPECT_EQ(list.mistakes, expected);
  EXPECT_EQ(list.count, 2);
}

// What the quick reading accepts is what ParseCidr() does.
TEST(IpListTest, AgreesWithParseCidr) {
  constexpr std::string_view kAlphabet = "0012555.::ff/.:abc";
  std::minstd_rand random(5);
  for (int i = 0; i < 300'000; ++i) {
    std::string text = i % 2 == 0 ? "1.2.3.4/32" : "2001:db8::/32";
    for (uint32_t edits = random() % 4 + 1; edits > 0; --edits) {
      const size_t at = random() % text.size();
      const char c = kAlphabet[random() % kAlphabet.size()];
      if (random() % 3 == 0) {
        text.insert(at, 1, c);
      } else if (random() % 2 == 0 && text.size() > 1) {
        text.erase(at, 1);
      } else {
        text[at] = c;
      }
    }
    const Result<Cidr> block = ParseCidr(text);
    const Parsed list = Parse(text);
    ASSERT_EQ(list.count, block ? 1 : 0) << text;
    if (block) {
      ASSERT_TRUE(list.set.Contains(block->base)) << text;
    }
  }
}

TEST(IpListTest, ManyAddressesInOrderAndOutOfIt) {
  std::minstd_rand random(7);
  std::string text;
  std::vector<Cidr> blocks;
  for (int i = 0; i < 20'000; ++i) {
    // Crowded in places, so that tables have tables.
    const bool v6 = i % 2 == 0;
    std::string entry =
        v6 ? "2001:db8:0:" + std::to_string(random() % 9) + "::" + std::to_string(random() % 9999)
           : "10." + std::to_string(random() % 2) + "." + std::to_string(random() % 256) + "." +
                 std::to_string(random() % 64 * 4) + "/30";
    blocks.push_back(*ParseCidr(entry));
    text += entry + "\n";
  }
  const Parsed list = Parse(text);
  EXPECT_EQ(list.count, blocks.size());
  for (const Cidr& block : blocks) {
    ASSERT_TRUE(list.set.Contains(block.base));
    IpAddress next = block.base;
    for (size_t i = 16; i-- > 0 && ++next.bytes[i] == 0;) {
    }
    const bool expected = std::any_of(blocks.begin(), blocks.end(),
                                      [&](const Cidr& other) { return other.Contains(next); });
    ASSERT_EQ(list.set.Contains(next), expected) << next.ToString();
    if (&block - blocks.data() > 2000) {
      break;  // Each is compared with all.
    }
  }
}

}  // namespace
}  // namespace gatehouse::filters
