// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/limit_rates.h"

#include <algorithm>
#include <array>
#include <limits>

#include "source/base/text.h"
#include "source/config/wording.h"
#include "source/filters/traffic/gcra_table.h"

namespace gatehouse::filters {
namespace {

struct Unit {
  char name;
  Duration length;
};
// The largest first.
constexpr std::array<Unit, 4> kUnits{{{'d', std::chrono::hours(24)},
                                      {'h', std::chrono::hours(1)},
                                      {'m', std::chrono::minutes(1)},
                                      {'s', std::chrono::seconds(1)}}};

std::string_view TakeDigits(std::string_view& text) {
  const size_t end = std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin();
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

tl::unexpected<Error> BadRate(std::string_view text, std::string_view why = {}) {
  std::string message = "expected a rate such as 100/s or 1000/m, got " + config::Quoted(text);
  if (!why.empty()) {
    message.append("; ").append(why);
  }
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

// 5 of a unit that is called by the rest of "5s"; nothing when it is none.
std::optional<Duration> ParsePeriod(std::string_view text) {
  const std::string_view digits = TakeDigits(text);
  const std::optional<uint64_t> count = digits.empty() ? 1 : ParseUint(digits);
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) {
    return text == std::string_view(&one.name, 1);
  });
  if (!count || unit == kUnits.end() ||
      *count > static_cast<uint64_t>(Pace::kLongestBurst / unit->length)) {
    return std::nullopt;
  }
  return unit->length * static_cast<int64_t>(*count);
}

// What is wrong with a rate as a table counts it.
std::string_view Unusable(const LimitRate& rate) {
  if (rate.Interval() < static_cast<double>(Pace::kShortestInterval.count())) {
    return "the fastest rate is 10000000/s";
  }
  return rate.period > Pace::kLongestBurst ? "the slowest rate is 1/366d" : std::string_view();
}

// Nothing, and an error, when it is none.
std::optional<LimitRate> LoadRate(const config::Value& value) {
  const std::string text = value.String();
  if (!value.IsScalar()) {
    return std::nullopt;
  }
  Result<LimitRate> rate = ParseRate(text);
  if (!rate) {
    value.Error(std::move(rate.error().message), SuggestRate(text));
    return std::nullopt;
  }
  return *rate;
}

// What is wrong with its burst, or nothing.
std::string BadBurst(const LimitRate& rate, uint64_t cost) {
  if (rate.Interval() * static_cast<double>(rate.burst) >
      static_cast<double>(Pace::kLongestBurst.count()) * (1 + 1e-9)) {
    return "the burst takes more than 366 days to come back at " + FormatRate(rate);
  }
  return rate.burst >= cost
             ? std::string()
             : "the burst is " + std::to_string(rate.burst) + ", so a request of cost " +
                   std::to_string(cost) + " could never pass";
}

// `rate`, or when it was or is reported as wrong, one that can be used.
template <typename Report>
LimitRate Checked(const std::optional<LimitRate>& rate, uint64_t cost, Report report) {
  std::string wrong = rate ? BadBurst(*rate, cost) : std::string();
  if (rate && wrong.empty()) {
    return *rate;
  }
  if (rate) {
    report(std::move(wrong));
  }
  return {.amount = cost, .burst = cost};
}

// `rate` and `burst` of `in`.
LimitRate LoadPair(config::Object& in, uint64_t cost) {
  const config::Value value =
      in.Get("rate", config::About("How many requests may pass, evenly spread: 100/s, 1000/m, "
                                   "10/5s; also per h and d.")
                         .Type("rate")
                         .Required());
  if (!value.present()) {
    in.Error("needs a rate, such as 100/s");
  }
  const std::optional<LimitRate> loaded = LoadRate(value);
  LimitRate rate = loaded.value_or(LimitRate{});
  rate.burst = in.Uint("burst", {.def = rate.amount, .min = 1},
                       config::About("How many may come at once after a rest; the rate's amount "
                                     "when it is left out.")
                           .Default("AMOUNT"));
  return Checked(loaded ? std::optional(rate) : std::nullopt, cost, [&](std::string wrong) {
    in.Error(in.Has("burst") ? "burst" : "rate", std::move(wrong));
  });
}

// Of one value: a rate alone, or with its burst.
LimitRate LoadEntry(const config::Value& value, uint64_t cost) {
  if (value.IsMap()) {
    config::Object in = value.Map();
    return LoadPair(in, cost);
  }
  return Checked(LoadRate(value), cost, [&](std::string wrong) { value.Error(std::move(wrong)); });
}

}  // namespace

Result<LimitRate> ParseRate(std::string_view text) {
  std::string_view rest = text;
  const std::string_view digits = TakeDigits(rest);
  if (digits.empty()) {
    return BadRate(text);
  }
  if (rest.empty()) {
    return BadRate(text, "the period is missing");
  }
  const std::optional<uint64_t> amount = ParseUint(digits);
  if (!amount) {
    return BadRate(text, "it is too large");
  }
  if (*amount == 0) {
    return BadRate(text, "that lets nothing through, for which there is rbac");
  }
  if (!rest.starts_with('/')) {
    return BadRate(text);
  }
  const std::optional<Duration> period = ParsePeriod(rest.substr(1));
  if (!period) {
    return BadRate(text, "the period is one of s, m, h, d, or some of them: 5s");
  }
  if (period->count() == 0) {
    return BadRate(text, "the period is empty");
  }
  const LimitRate rate{.amount = *amount, .period = *period, .burst = *amount};
  const std::string_view wrong = Unusable(rate);
  return wrong.empty() ? Result<LimitRate>(rate) : BadRate(text, wrong);
}

std::string SuggestRate(std::string_view text) {
  std::string_view rest = text;
  const std::string amount(TakeDigits(rest));
  if (amount.empty()) {
    return {};
  }
  static constexpr std::pair<std::string_view, char> kMeant[] = {
      {"", 's'},    {"s", 's'},      {"sec", 's'}, {"second", 's'}, {"m", 'm'},
      {"min", 'm'}, {"minute", 'm'}, {"h", 'h'},   {"hour", 'h'},   {"d", 'd'},
      {"day", 'd'}, {"rps", 's'},    {"rpm", 'm'}, {"1s", 's'},     {"qps", 's'},
  };
  std::string unit;
  for (const char c : Lowercase(rest)) {
    if (c != ' ' && c != '/') {
      unit.push_back(c);
    }
  }
  for (const std::string_view prefix : {"requests", "request", "req", "per", "r"}) {
    const bool whole = unit == "rps" || unit == "rpm";
    unit = !whole && unit.starts_with(prefix) ? unit.substr(prefix.size()) : unit;
  }
  for (const auto& [theirs, ours] : kMeant) {
    const std::string meant = amount + "/" + ours;
    if (unit == theirs && ParseRate(meant)) {
      return meant;
    }
  }
  return {};
}

std::string FormatRate(const LimitRate& rate) {
  std::string out = std::to_string(rate.amount) + "/";
  for (const Unit& unit : kUnits) {
    if (rate.period % unit.length == Duration::zero()) {
      const int64_t count = rate.period / unit.length;
      return out + (count == 1 ? "" : std::to_string(count)) + unit.name;
    }
  }
  return out;  // Not one that was parsed.
}

LimitRates LimitRates::Load(config::Object& in, uint64_t cost) {
  LimitRates out;
  out.rates_[0] = LoadPair(in, cost);
  config::Object rates = in.Child("rates", "Rates for callers of some kind; others have `rate`.");
  if (!rates.present()) {
    return out;
  }
  const config::Value by = rates.Get(
      "by", config::About("What tells their rate: attributes.NAME, claims.NAME, groups, subject.")
                .Required());
  const std::string named = by.String();
  if (by.IsScalar()) {
    Result<observe::IdentityField> field = observe::IdentityField::Parse(named);
    if (field) {
      out.by_ = *std::move(field);
    } else {
      by.Error(std::move(field.error().message));
    }
  } else if (!by.present()) {
    rates.Error("needs `by`, such as attributes.plan");
  }
  for (const auto& [name, value] :
       rates.Entries("values", "Of each value its rate: 100/s, or {rate: 100/s, burst: 200}.")) {
    out.values_.emplace_back(name, out.rates_.size());
    out.rates_.push_back(LoadEntry(value, cost));
  }
  if (out.values_.empty()) {
    rates.Error("values", "has no value: all callers have the same rate");
  }
  std::sort(out.values_.begin(), out.values_.end());
  return out;
}

size_t LimitRates::Search(const observe::Identity& identity) const {
  size_t found = 0;
  by_->ForEach(identity, [&](std::string_view value) {
    const auto at =
        std::lower_bound(values_.begin(), values_.end(), value,
                         [](const auto& one, std::string_view text) { return one.first < text; });
    found = at != values_.end() && at->first == value ? at->second : 0;
    return found == 0;
  });
  return found;
}

Duration LimitRates::LongestDebt() const {
  double longest = 0;
  for (const LimitRate& rate : rates_) {
    longest = std::max(longest, rate.Interval() * static_cast<double>(rate.burst));
  }
  return Duration(static_cast<Duration::rep>(longest));
}

std::string LimitRates::ToText() const {
  std::string out = by_ ? by_->text() : std::string();
  const auto add = [&](const LimitRate& rate) {
    out.append("\n").append(FormatRate(rate)).append(" ").append(std::to_string(rate.burst));
  };
  add(rates_[0]);
  for (const auto& [value, at] : values_) {
    add(rates_[at]);
    out.append(" ").append(std::to_string(value.size())).append(":").append(value);
  }
  return out;
}

}  // namespace gatehouse::filters
