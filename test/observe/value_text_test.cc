// SPDX-License-Identifier: Apache-2.0
#include "source/observe/value_text.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::observe {
namespace {

template <typename Write>
std::string Text(Write write) {
  char room[kMaxValueText];
  return {room, static_cast<size_t>(write(room) - room)};
}

std::string Ip(std::string_view text) {
  return Text([&](char* out) { return WriteIp(out, *ParseIp(text)); });
}

TEST(ValueTextTest, Times) {
  ClockText clock;
  const auto at = [](int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); };
  const auto rfc3339 = [&](int64_t ms) {
    return Text([&](char* out) { return clock.WriteRfc3339(out, at(ms)); });
  };
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1772352930125), "2026-03-01T08:15:30.125Z");
  EXPECT_EQ(rfc3339(1772352930999), "2026-03-01T08:15:30.999Z");
  EXPECT_EQ(rfc3339(1709210096000), "2024-02-29T12:34:56.000Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(Text([&](char* out) { return clock.WriteCommon(out, at(1709210096000)); }),
            "29/Feb/2024:12:34:56 +0000");
}

TEST(ValueTextTest, Durations) {
  const auto text = [](Duration duration) {
    return Text([&](char* out) { return WriteMilliseconds(out, duration); });
  };
  EXPECT_EQ(text(Duration(0)), "0.000");
  EXPECT_EQ(text(std::chrono::microseconds(312)), "0.312");
  EXPECT_EQ(text(std::chrono::hours(2) + std::chrono::microseconds(7)), "7200000.007");
  EXPECT_EQ(text(Duration(-5)), "0.000");
}

TEST(ValueTextTest, Addresses) {
  for (const char* text : {"0.0.0.0", "192.0.2.7", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "2001:db8:0:1:1:1:1:1", "1::", "1:0:0:2::3", "fe80::a:b:c:d"}) {
    EXPECT_EQ(Ip(text), text);
  }
  EXPECT_EQ(Text([](char* out) { return WriteIpPort(out, *ParseIp("192.0.2.7"), 443); }),
            "192.0.2.7:443");
  EXPECT_EQ(Text([](char* out) { return WriteIpPort(out, *ParseIp("2001:db8::1"), 65535); }),
            "[2001:db8::1]:65535");
}

TEST(ValueTextTest, Ipv6IsSpeltAsTheSystemSpellsIt) {
  std::minstd_rand random(7);
  for (int i = 0; i < 20'000; ++i) {
    IpAddress address;
    for (size_t group = 0; group < 8; ++group) {
      const uint32_t value = random() % 3 == 0 ? random() % 0x10000 : 0;
      address.bytes[2 * group] = static_cast<uint8_t>(value >> 8);
      address.bytes[2 * group + 1] = static_cast<uint8_t>(value);
    }
    char expected[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.bytes.data(), expected, sizeof(expected));
    if (std::string_view(expected).find('.') == std::string_view::npos && !address.IsV4()) {
      ASSERT_EQ(Text([&](char* out) { return WriteIp(out, address); }), expected);
    }
  }
}

}  // namespace
}  // namespace gatehouse::observe
