// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/limit_fields.h"

#include <algorithm>
#include <chrono>

namespace gatehouse::filters {
namespace {

int64_t WholeSeconds(Duration time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

}  // namespace

std::string RetryAfter(Duration wait) {
  return std::to_string(std::max<int64_t>(WholeSeconds(wait), 1));
}

LimitFields::LimitFields(std::string_view name) : name_("\"") {
  for (const char c : name) {
    if (c == '"' || c == '\\') {
      name_.push_back('\\');
    }
    name_.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  name_.push_back('"');
}

std::string LimitFields::Policy(const LimitRate& rate) const {
  return name_ + ";q=" + std::to_string(rate.amount) +
         ";w=" + std::to_string(WholeSeconds(rate.period));
}

std::string_view LimitFields::State(const LimitRate& rate, const LimitDecision& decision,
                                    Arena& arena) const {
  return arena.Concat(std::string_view(name_), ";r=",
                      std::string_view(std::to_string(std::min(decision.remaining, rate.amount))),
                      ";t=", std::string_view(std::to_string(WholeSeconds(decision.reset))));
}

}  // namespace gatehouse::filters
