// SPDX-License-Identifier: Apache-2.0
// Rates as configurations spell them, and which one a caller has:
//
//   rate: 100/s                        # also /m, /h and /d, and several of them: 10/5s
//   burst: 200                         # what may come at once after a rest; default: the amount
//   rates: {by: attributes.plan, values: {gold: {rate: 1000/s, burst: 2000}, free: 10/s}}
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/error.h"
#include "source/config/object.h"
#include "source/filters/traffic/limit.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

// "100/s", "10/5s", with a burst of the amount. Errors are whole sentences that quote the text.
Result<LimitRate> ParseRate(std::string_view text);
// The spelling that was probably meant by a text that can't be parsed: "100r/s" is "100/s". Empty
// when there is none.
std::string SuggestRate(std::string_view text);
// Parses to the same rate; without the burst.
std::string FormatRate(const LimitRate& rate);

// The rates of one limit. Immutable after loading.
class LimitRates {
 public:
  // Reads `rate`, `burst` and `rates`. An error for each whose burst is less than `cost`: no
  // request could ever pass.
  static LimitRates Load(config::Object& in, uint64_t cost);

  // All of them; the first is that of callers for whom there is no other.
  const std::vector<LimitRate>& all() const { return rates_; }
  // The index of the rate of `identity`, which may be null: that of the first of its values for
  // which there is one.
  size_t IndexOf(const observe::Identity* identity) const {
    return by_ && identity != nullptr ? Search(*identity) : 0;
  }
  bool OfIdentity() const { return by_.has_value(); }
  // How long the burst of any of them takes to come back, at most.
  Duration LongestDebt() const;
  // The same of rates that are the same.
  std::string ToText() const;

 private:
  size_t Search(const observe::Identity& identity) const;

  std::vector<LimitRate> rates_{1};
  std::optional<observe::IdentityField> by_;
  std::vector<std::pair<std::string, size_t>> values_;  // Sorted; indices of rates_.
};

}  // namespace gatehouse::filters
