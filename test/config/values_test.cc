// SPDX-License-Identifier: Apache-2.0
#include "source/config/values.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gatehouse::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::string DurationError(std::string_view text) {
  const Result<Duration> result = ParseDuration(text);
  return result ? "no error" : result.error().message;
}

std::string SizeError(std::string_view text) {
  const Result<uint64_t> result = ParseSize(text);
  return result ? "no error" : result.error().message;
}

TEST(DurationTest, Parses) {
  EXPECT_EQ(ParseDuration("250ms"), Duration(milliseconds(250)));
  EXPECT_EQ(ParseDuration("5s"), Duration(seconds(5)));
  EXPECT_EQ(ParseDuration("0s"), Duration::zero());
  EXPECT_EQ(ParseDuration("2h"), Duration(hours(2)));
  EXPECT_EQ(ParseDuration("1m30s"), Duration(seconds(90)));
  EXPECT_EQ(ParseDuration("1h0m1ns"), Duration(hours(1) + nanoseconds(1)));
  EXPECT_EQ(ParseDuration("7us"), Duration(nanoseconds(7000)));
}

TEST(DurationTest, Refuses) {
  EXPECT_EQ(DurationError("5"),
            "expected a duration such as 250ms or 5s, got \"5\"; a unit is missing");
  for (const char* text :
       {"", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "5sec", "5S", "5d", "1h30", "soon"}) {
    EXPECT_EQ(DurationError(text),
              "expected a duration such as 250ms or 5s, got \"" + std::string(text) + "\"");
  }
  EXPECT_NE(DurationError("30s1m").find("from the largest to the smallest"), std::string::npos);
  EXPECT_NE(DurationError("1s1s").find("each once"), std::string::npos);
}

TEST(DurationTest, RefusesOverflow) {
  EXPECT_TRUE(ParseDuration("9223372036854775807ns"));
  for (const char* text :
       {"9223372036854775808ns", "2562048h", "2562047h60m", "99999999999999999999999s"}) {
    EXPECT_NE(DurationError(text).find("it is too long"), std::string::npos) << text;
  }
}

TEST(DurationTest, Suggests) {
  EXPECT_EQ(SuggestDuration("5"), "5s");
  EXPECT_EQ(SuggestDuration("5sec"), "5s");
  EXPECT_EQ(SuggestDuration("5minutes"), "5m");
  EXPECT_EQ(SuggestDuration("2d"), "48h");
  EXPECT_EQ(SuggestDuration("1.5s"), "");
  EXPECT_EQ(SuggestDuration("99999999999999999999d"), "");
  EXPECT_EQ(SuggestDuration(""), "");
}

TEST(DurationTest, FormatsTheShortestExactSpelling) {
  EXPECT_EQ(FormatDuration(Duration::zero()), "0s");
  EXPECT_EQ(FormatDuration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(FormatDuration(seconds(90)), "90s");
  EXPECT_EQ(FormatDuration(minutes(120)), "2h");
  EXPECT_EQ(FormatDuration(hours(24) + nanoseconds(1)), "24h1ns");
  for (const Duration value : {Duration::max(), Duration(1), Duration(seconds(3661)),
                               Duration(milliseconds(86'400'001))}) {
    EXPECT_EQ(ParseDuration(FormatDuration(value)), value);
  }
}

TEST(SizeTest, Parses) {
  EXPECT_EQ(ParseSize("0B"), 0u);
  EXPECT_EQ(ParseSize("100B"), 100u);
  EXPECT_EQ(ParseSize("64KiB"), 65536u);
  EXPECT_EQ(ParseSize("1MiB"), 1048576u);
  EXPECT_EQ(ParseSize("2GiB"), uint64_t{2} << 30);
  EXPECT_EQ(ParseSize("18446744073709551615B"), std::numeric_limits<uint64_t>::max());
}

TEST(SizeTest, Refuses) {
  EXPECT_EQ(SizeError("64"),
            "expected a size such as 64KiB or 1MiB, got \"64\"; a unit is missing");
  for (const char* text : {"", "KiB", "64 KiB", "64KB", "64k", "64K", "1M", "-1B", "1.5MiB",
                           "1MiB1KiB", "1TiB", "1kib"}) {
    EXPECT_EQ(SizeError(text),
              "expected a size such as 64KiB or 1MiB, got \"" + std::string(text) + "\"");
  }
  EXPECT_NE(SizeError("18446744073709551616B").find("it is too large"), std::string::npos);
  EXPECT_NE(SizeError("17179869184GiB").find("it is too large"), std::string::npos);
}

TEST(SizeTest, Suggests) {
  EXPECT_EQ(SuggestSize("65536"), "64KiB");
  EXPECT_EQ(SuggestSize("100"), "100B");
  for (const char* text : {"64k", "64K", "64KB", "64kb", "64kib"}) {
    EXPECT_EQ(SuggestSize(text), "64KiB");
  }
  EXPECT_EQ(SuggestSize("1G"), "1GiB");
  EXPECT_EQ(SuggestSize("1T"), "");
  EXPECT_EQ(SuggestSize("big"), "");
}

TEST(SizeTest, Formats) {
  EXPECT_EQ(FormatSize(0), "0B");
  EXPECT_EQ(FormatSize(1025), "1025B");
  EXPECT_EQ(FormatSize(65536), "64KiB");
  EXPECT_EQ(FormatSize(uint64_t{3} << 30), "3GiB");
}

}  // namespace
}  // namespace gatehouse::config
