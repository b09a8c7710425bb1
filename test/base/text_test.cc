// SPDX-License-Identifier: Apache-2.0
#include "source/base/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace gatehouse {
namespace {

std::string JsonEscaped(std::string_view text) {
  std::string out;
  AppendJsonEscaped(out, text);
  return out;
}

std::vector<std::string_view> Elements(std::string_view list) {
  std::vector<std::string_view> out;
  ForEachListElement(list, [&](std::string_view element) {
    out.push_back(element);
    return true;
  });
  return out;
}

TEST(TextTest, CaseCountsForAsciiLettersOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  // '@' and '`', '[' and '{' differ by the bit that makes letters lower case.
  EXPECT_FALSE(EqualsIgnoreCase("@[", "`{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc3\x89", "\xc3\xa9"));
  EXPECT_EQ(Lowercase("AZ[@\xc3\x89"), "az[@\xc3\x89");
}

TEST(TextTest, TrimsSpacesAndTabsOnly) {
  EXPECT_EQ(TrimOws(" \ta b\t "), "a b");
  EXPECT_EQ(TrimOws("\r\na"), "\r\na");
  EXPECT_EQ(TrimOws(" \t "), "");
  EXPECT_EQ(TrimOws(""), "");
}

TEST(TextTest, ParseUintTakesOneDecimalNumberAndNothingElse) {
  EXPECT_EQ(ParseUint("0"), 0u);
  EXPECT_EQ(ParseUint("007"), 7u);
  EXPECT_EQ(ParseUint("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (const char* text : {"", "+1", "-1", "-0", " 1", "1 ", "1.0", "0x10", "1e3", "a",
                           "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(ParseUint(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseUint(std::string_view("1\0", 2)), std::nullopt);
}

TEST(TextTest, AppendUint) {
  std::string out = "n=";
  AppendUint(out, 0);
  AppendUint(out, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(out, "n=018446744073709551615");
}

TEST(TextTest, HexDigit) {
  EXPECT_EQ(HexDigit('0'), 0);
  EXPECT_EQ(HexDigit('9'), 9);
  EXPECT_EQ(HexDigit('a'), 10);
  EXPECT_EQ(HexDigit('F'), 15);
  for (const char c : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) {
    EXPECT_EQ(HexDigit(c), -1) << c;
  }
}

TEST(TextTest, ListElements) {
  using Views = std::vector<std::string_view>;
  EXPECT_EQ(Elements("a, b ,\tc"), (Views{"a", "b", "c"}));
  EXPECT_EQ(Elements(",, a ,,"), (Views{"a"}));
  EXPECT_EQ(Elements(""), Views{});
  EXPECT_EQ(Elements(" , "), Views{});
}

TEST(TextTest, ListElementsStopWhenAskedTo) {
  int seen = 0;
  ForEachListElement("a,b,c", [&](std::string_view element) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

TEST(TextTest, Utf8Sequences) {
  EXPECT_EQ(Utf8SequenceLength("a", 0), 1u);
  EXPECT_EQ(Utf8SequenceLength("a\xc3\xa9", 1), 2u);
  EXPECT_EQ(Utf8SequenceLength("\xe2\x82\xac", 0), 3u);
  EXPECT_EQ(Utf8SequenceLength("\xf0\x9f\x98\x80", 0), 4u);
  EXPECT_EQ(Utf8SequenceLength("\xf4\x8f\xbf\xbf", 0), 4u);
  for (const char* text :
       {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_EQ(Utf8SequenceLength(text, 0), 0u);
  }
}

TEST(TextTest, JsonEscapes) {
  EXPECT_EQ(JsonEscaped("a\"b\\c/"), "a\\\"b\\\\c/");
  EXPECT_EQ(JsonEscaped(std::string_view("\n\0\x1f\x7f", 4)), "\\u000a\\u0000\\u001f\\u007f");
  EXPECT_EQ(JsonEscaped("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(JsonEscaped("\xc3(\xff"), "\\ufffd(\\ufffd");
}

TEST(TextTest, EditDistanceCountsSwapsAsOne) {
  EXPECT_EQ(EditDistance("", "", 3), 0u);
  EXPECT_EQ(EditDistance("cluster", "cluster", 3), 0u);
  EXPECT_EQ(EditDistance("clsuter", "cluster", 3), 1u);
  EXPECT_EQ(EditDistance("Cluster", "cluster", 3), 0u);
  EXPECT_EQ(EditDistance("clustr", "cluster", 3), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 5), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 1), 2u);
  EXPECT_EQ(EditDistance("abcdefgh", "a", 3), 4u);
}

TEST(TextTest, NearestIsASlipOfThePenOrNothing) {
  const std::vector<std::string> known{"cluster", "clusters", "timeout", "tls"};
  EXPECT_EQ(Nearest("clustr", known), "cluster");
  EXPECT_EQ(Nearest("clusterss", known), "clusters");
  EXPECT_EQ(Nearest("tsl", known), "tls");
  EXPECT_EQ(Nearest("endpoint", known), "");
  EXPECT_EQ(Nearest("x", known), "");
  EXPECT_EQ(Nearest("", known), "");
}

}  // namespace
}  // namespace gatehouse
