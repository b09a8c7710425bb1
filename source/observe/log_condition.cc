// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_condition.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

bool IsOneOf(std::string_view value, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), value) != names.end();
}

bool WentWrong(const StreamInfo& info) {
  return info.error != ErrorCode::kNone || info.status >= 500 || !info.complete;
}

// Three digits of a status, from 100 on, or the 0 of no answer.
std::optional<uint16_t> ParseStatus(std::string_view text) {
  const std::optional<uint64_t> value = ParseUint(text);
  const bool fits = value && (*value == 0 || (*value >= 100 && *value < LogCondition::kStatuses));
  return fits ? std::optional(static_cast<uint16_t>(*value)) : std::nullopt;
}

}  // namespace

uint64_t SampleRandom::Next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t out = state_;
  out = (out ^ (out >> 30)) * 0xbf58476d1ce4e5b9;
  out = (out ^ (out >> 27)) * 0x94d049bb133111eb;
  return out ^ (out >> 31);
}

bool LogCondition::Holds(const StreamInfo& info, SampleRandom& random) const {
  if (status && !(info.status < kStatuses && status->test(info.status))) {
    return false;
  }
  if (info.duration < min_duration || (errors && *errors != WentWrong(info))) {
    return false;
  }
  if (!IsOneOf(info.method, methods) || !IsOneOf(info.listener, listeners) ||
      !IsOneOf(info.route, routes)) {
    return false;
  }
  if (std::any_of(none_of.begin(), none_of.end(),
                  [&](const LogCondition& one) { return one.Holds(info, random); })) {
    return false;
  }
  return !sample || random.Next() < *sample;
}

bool LogConditions::AnyHolds(const StreamInfo& info, SampleRandom& random) const {
  return std::any_of(any_of_.begin(), any_of_.end(),
                     [&](const LogCondition& one) { return one.Holds(info, random); });
}

bool AddStatuses(std::string_view text, std::bitset<LogCondition::kStatuses>& to) {
  std::optional<uint16_t> first;
  std::optional<uint16_t> last;
  if (text.size() == 3 && EqualsIgnoreCase(text.substr(1), "xx")) {
    const std::string digit(text.substr(0, 1));
    first = ParseStatus(digit + "00");
    last = ParseStatus(digit + "99");
  } else {
    const size_t dash = text.find('-');
    first = ParseStatus(text.substr(0, dash));
    last = dash == std::string_view::npos ? first : ParseStatus(text.substr(dash + 1));
  }
  if (!first || !last || *first > *last) {
    return false;
  }
  for (uint16_t one = *first; one <= *last; ++one) {
    to.set(one);
  }
  return true;
}

}  // namespace gatehouse::observe
