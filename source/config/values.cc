// SPDX-License-Identifier: Apache-2.0
#include "source/config/values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

struct Unit {
  std::string_view name;
  uint64_t scale;
};

// The largest first.
constexpr std::array<Unit, 6> kTimeUnits{{
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};
constexpr std::array<Unit, 4> kSizeUnits{{
    {"GiB", uint64_t{1} << 30},
    {"MiB", uint64_t{1} << 20},
    {"KiB", uint64_t{1} << 10},
    {"B", 1},
}};

// The number and the letters after it that `text` starts with; both are taken off it.
struct Part {
  std::string_view number;
  std::string_view unit;
};
Part TakePart(std::string_view& text) {
  const size_t digits = std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin();
  const size_t end = std::find_if(text.begin() + digits, text.end(), IsDigit) - text.begin();
  const Part part{text.substr(0, digits), text.substr(digits, end - digits)};
  text.remove_prefix(end);
  return part;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

// number * scale + sum, or nothing past `max`.
std::optional<uint64_t> AddScaled(uint64_t sum, std::string_view number, uint64_t scale,
                                  uint64_t max) {
  const std::optional<uint64_t> count = ParseUint(number);
  if (!count || *count > (max - sum) / scale) {
    return std::nullopt;
  }
  return sum + *count * scale;
}

tl::unexpected<Error> Expected(const char* what, std::string_view text, std::string_view why) {
  std::string message = std::string("expected ") + what + ", got " + Quoted(text);
  if (!why.empty()) {
    message.append("; ").append(why);
  }
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  constexpr uint64_t kMax = static_cast<uint64_t>(Duration::max().count());
  const auto fail = [&](std::string_view why = {}) {
    return Expected("a duration such as 250ms or 5s", text, why);
  };
  if (IsNumber(text)) {
    return fail("a unit is missing");
  }
  std::string_view rest = text;
  const Unit* next = kTimeUnits.begin();  // Units may only get smaller.
  uint64_t total = 0;
  do {
    const Part part = TakePart(rest);
    const Unit* unit = std::find_if(kTimeUnits.begin(), kTimeUnits.end(),
                                    [&](const Unit& one) { return one.name == part.unit; });
    if (part.number.empty() || unit == kTimeUnits.end()) {
      return fail();
    }
    if (unit < next) {
      return fail("units go from the largest to the smallest, each once");
    }
    next = unit + 1;
    const std::optional<uint64_t> sum = AddScaled(total, part.number, unit->scale, kMax);
    if (!sum) {
      return fail("it is too long");
    }
    total = *sum;
  } while (!rest.empty());
  return Duration(total);
}

std::string SuggestDuration(std::string_view text) {
  if (IsNumber(text)) {
    return std::string(text) + "s";
  }
  std::string_view rest = text;
  const Part part = TakePart(rest);
  if (part.number.empty() || !rest.empty()) {
    return {};
  }
  static constexpr std::pair<std::string_view, std::string_view> kMeant[] = {
      {"sec", "s"},  {"secs", "s"},  {"second", "s"}, {"seconds", "s"},
      {"min", "m"},  {"mins", "m"},  {"minute", "m"}, {"minutes", "m"},
      {"hour", "h"}, {"hours", "h"}, {"msec", "ms"},  {"millis", "ms"},
      {"S", "s"},    {"MS", "ms"},   {"H", "h"},      {"\xC2\xB5s", "us"},
  };
  for (const auto& [theirs, ours] : kMeant) {
    if (part.unit == theirs) {
      return std::string(part.number) + std::string(ours);
    }
  }
  const std::optional<uint64_t> days = ParseUint(part.number);
  if ((part.unit == "d" || part.unit == "day" || part.unit == "days") && days && *days < 10'000) {
    return std::to_string(*days * 24) + "h";
  }
  return {};
}

Result<uint64_t> ParseSize(std::string_view text) {
  const auto fail = [&](std::string_view why = {}) {
    return Expected("a size such as 64KiB or 1MiB", text, why);
  };
  if (IsNumber(text)) {
    return fail("a unit is missing");
  }
  std::string_view rest = text;
  const Part part = TakePart(rest);
  const auto unit = std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                                 [&](const Unit& one) { return one.name == part.unit; });
  if (part.number.empty() || unit == kSizeUnits.end() || !rest.empty()) {
    return fail();
  }
  const std::optional<uint64_t> bytes =
      AddScaled(0, part.number, unit->scale, std::numeric_limits<uint64_t>::max());
  if (!bytes) {
    return fail("it is too large");
  }
  return *bytes;
}

std::string SuggestSize(std::string_view text) {
  std::string_view rest = text;
  const Part part = TakePart(rest);
  const std::optional<uint64_t> number = ParseUint(part.number);
  if (!number || !rest.empty()) {
    return {};
  }
  if (part.unit.empty()) {
    return FormatSize(*number);
  }
  const std::string unit = Lowercase(part.unit);
  const auto meant = std::find_if(kSizeUnits.begin(), kSizeUnits.end(), [&](const Unit& one) {
    const std::string letter(1, ToLower(one.name.front()));
    return unit == letter || unit == letter + "b" || unit == letter + "ib";
  });
  return meant == kSizeUnits.end() ? std::string()
                                   : std::string(part.number) + std::string(meant->name);
}

std::string FormatDuration(Duration value) {
  uint64_t left = static_cast<uint64_t>(std::max<int64_t>(value.count(), 0));
  if (left == 0) {
    return "0s";
  }
  std::string one;
  std::string several;
  for (const Unit& unit : kTimeUnits) {
    const uint64_t total = static_cast<uint64_t>(value.count());
    if (one.empty() && total % unit.scale == 0) {
      one = std::to_string(total / unit.scale) + std::string(unit.name);
    }
    if (left >= unit.scale) {
      several += std::to_string(left / unit.scale) + std::string(unit.name);
      left %= unit.scale;
    }
  }
  return several.size() < one.size() ? several : one;
}

std::string FormatSize(uint64_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    if (bytes >= unit.scale && bytes % unit.scale == 0) {
      return std::to_string(bytes / unit.scale) + std::string(unit.name);
    }
  }
  return "0B";
}

}  // namespace gatehouse::config
