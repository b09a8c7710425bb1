// SPDX-License-Identifier: Apache-2.0
// Which streams a log wants: all whose parts hold, of any of several conditions.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/observe/stream_info.h"

namespace gatehouse::observe {

// Random numbers for sampling; one per worker, not thread-safe. Not for anything secret.
class SampleRandom {
 public:
  explicit SampleRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next();  // SplitMix64.

 private:
  uint64_t state_;
};

// All parts that are given must hold.
struct LogCondition {
  static constexpr uint16_t kStatuses = 600;  // 0: no answer was sent.

  std::optional<std::bitset<kStatuses>> status{};
  Duration min_duration{};  // 0: any.
  std::vector<std::string> routes{};
  std::vector<std::string> listeners{};
  std::vector<std::string> methods{};
  // Whether something went wrong: there is an error, a status of 500 or more, or no whole response.
  std::optional<bool> errors{};
  // At random: of 2^64 how many; nothing: all. The request has no say in it: it could keep itself
  // out of the log.
  std::optional<uint64_t> sample{};
  std::vector<LogCondition> none_of{};  // `not`

  bool Holds(const StreamInfo& info, SampleRandom& random) const;
};

// Any of them; none at all: every stream is wanted.
class LogConditions {
 public:
  LogConditions() = default;
  explicit LogConditions(std::vector<LogCondition> any_of) : any_of_(std::move(any_of)) {}

  bool Want(const StreamInfo& info, SampleRandom& random) const {
    return any_of_.empty() || AnyHolds(info, random);
  }

 private:
  bool AnyHolds(const StreamInfo& info, SampleRandom& random) const;

  std::vector<LogCondition> any_of_;
};

// "404", "5xx", "400-499": adds what it stands for. False when it is none of these.
bool AddStatuses(std::string_view text, std::bitset<LogCondition::kStatuses>& to);

}  // namespace gatehouse::observe
