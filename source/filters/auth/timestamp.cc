// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/timestamp.h"

#include <chrono>
#include <optional>
#include <string>

#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

// Takes `digits` digits, then `after` (none when it is NUL), from the front of `text`.
std::optional<int> Take(std::string_view& text, size_t digits, char after) {
  const auto number = text.size() < digits ? std::nullopt : ParseUint(text.substr(0, digits));
  const size_t size = digits + (after == '\0' ? 0 : 1);
  if (!number || text.size() < size || (after != '\0' && text[digits] != after)) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return static_cast<int>(*number);
}

// "Z", "+hh:mm" or "-hh:mm", whole.
std::optional<std::chrono::minutes> ParseOffset(std::string_view text) {
  if (text == "Z") {
    return std::chrono::minutes(0);
  }
  if (text.empty() || (text[0] != '+' && text[0] != '-')) {
    return std::nullopt;
  }
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = Take(text, 2, ':');
  const auto minutes = Take(text, 2, '\0');
  if (!hours || !minutes || !text.empty() || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  return sign * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
}

std::optional<WallTime> Parse(std::string_view text) {
  const auto year = Take(text, 4, '-');
  const auto month = Take(text, 2, '-');
  const auto day = Take(text, 2, 'T');
  const auto hour = Take(text, 2, ':');
  const auto minute = Take(text, 2, ':');
  const auto second = Take(text, 2, '\0');
  const auto offset = ParseOffset(text);
  if (!year || !month || !day || !hour || !minute || !second || !offset || *hour > 23 ||
      *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *year < 1970 || *year > 2261) {  // WallTime counts nanoseconds.
    return std::nullopt;
  }
  return WallTime(std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                  std::chrono::minutes(*minute) + std::chrono::seconds(*second) - *offset);
}

}  // namespace

Result<WallTime> ParseTimestamp(std::string_view text) {
  if (const std::optional<WallTime> time = Parse(text)) {
    return *time;
  }
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
              "expected a time such as 2027-01-01T00:00:00Z, got \"" + std::string(text) + "\"");
}

}  // namespace gatehouse::filters
