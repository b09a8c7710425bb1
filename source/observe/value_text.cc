// SPDX-License-Identifier: Apache-2.0
#include "source/observe/value_text.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "source/observe/line_buffer.h"

namespace gatehouse::observe {
namespace {

constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct SecondAndRest {
  int64_t second;
  uint32_t milliseconds;
};

SecondAndRest Split(WallTime time) {
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - second);
  return {second.time_since_epoch().count(), static_cast<uint32_t>(rest.count())};
}

char* WriteHex(char* out, uint32_t value) {
  static constexpr char kHex[] = "0123456789abcdef";
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const uint32_t digit = (value >> shift) & 0xF;
    started = started || digit != 0 || shift == 0;
    if (started) {
      *out++ = kHex[digit];
    }
  }
  return out;
}

char* WriteV4(char* out, const uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      *out++ = '.';
    }
    out = WriteUint(out, bytes[i]);
  }
  return out;
}

// The longest run of at least two zero groups, the first of equals: [begin, end).
std::pair<int, int> LongestZeroRun(const std::array<uint32_t, 8>& groups) {
  std::pair<int, int> best{-1, -1};
  for (int i = 0; i < 8; ++i) {
    int end = i;
    while (end < 8 && groups[end] == 0) {
      ++end;
    }
    if (end - i >= 2 && end - i > best.second - best.first) {
      best = {i, end};
    }
    i = std::max(i, end);
  }
  return best;
}

char* WriteV6(char* out, const IpAddress& address) {
  std::array<uint32_t, 8> groups;
  for (size_t i = 0; i < 8; ++i) {
    groups[i] = address.bytes[2 * i] << 8 | address.bytes[2 * i + 1];
  }
  const auto [begin, end] = LongestZeroRun(groups);
  for (int i = 0; i < 8; ++i) {
    if (i == begin) {
      *out++ = ':';
      *out++ = ':';
      i = end - 1;
      continue;
    }
    if (i > 0 && i != end) {
      *out++ = ':';
    }
    out = WriteHex(out, groups[static_cast<size_t>(i)]);
  }
  return out;
}

}  // namespace

void ClockText::Spell(int64_t second) {
  const time_t time = second;
  tm date;
  gmtime_r(&time, &date);
  const auto year = static_cast<uint32_t>(std::clamp(date.tm_year + 1900, 0, 9999));
  const auto month = static_cast<uint32_t>(date.tm_mon);
  const auto number = [](char* out, int value) {
    return WriteDigits(out, static_cast<uint32_t>(value), 2);
  };
  const auto clock = [&](char* out) {
    out = number(out, date.tm_hour);
    *out++ = ':';
    out = number(out, date.tm_min);
    *out++ = ':';
    return number(out, date.tm_sec);
  };
  char* out = WriteDigits(rfc3339_.data(), year, 4);
  *out++ = '-';
  out = WriteDigits(out, month + 1, 2);
  *out++ = '-';
  out = number(out, date.tm_mday);
  *out++ = 'T';
  *clock(out) = '.';

  out = number(common_.data(), date.tm_mday);
  *out++ = '/';
  out = std::copy_n(kMonths + month * 3, 3, out);
  *out++ = '/';
  out = WriteDigits(out, year, 4);
  *out++ = ':';
  std::memcpy(clock(out), " +0000", 6);
  second_ = second;
}

char* ClockText::WriteRfc3339(char* out, WallTime time) {
  const auto [second, milliseconds] = Split(time);
  if (second != second_) {
    Spell(second);
  }
  out = std::copy_n(rfc3339_.data(), rfc3339_.size(), out);
  out = WriteDigits(out, milliseconds, 3);
  *out++ = 'Z';
  return out;
}

char* ClockText::WriteCommon(char* out, WallTime time) {
  const auto [second, milliseconds] = Split(time);
  if (second != second_) {
    Spell(second);
  }
  return std::copy_n(common_.data(), common_.size(), out);
}

char* WriteMilliseconds(char* out, Duration duration) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto value = static_cast<uint64_t>(std::max<int64_t>(micros, 0));
  out = WriteUint(out, value / 1000);
  *out++ = '.';
  return WriteDigits(out, static_cast<uint32_t>(value % 1000), 3);
}

char* WriteIp(char* out, const IpAddress& address) {
  return address.IsV4() ? WriteV4(out, address.bytes.data() + 12) : WriteV6(out, address);
}

char* WriteIpPort(char* out, const IpAddress& address, uint16_t port) {
  const bool v4 = address.IsV4();
  if (!v4) {
    *out++ = '[';
  }
  out = WriteIp(out, address);
  if (!v4) {
    *out++ = ']';
  }
  *out++ = ':';
  return WriteUint(out, port);
}

}  // namespace gatehouse::observe
