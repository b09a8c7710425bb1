// SPDX-License-Identifier: Apache-2.0
// What limits read of configurations and of requests. Lines of the input: a rate, a `key` as YAML,
// then the header fields of two requests, "NAME: VALUE" each, an empty line between them.
//
// Two requests have one key only if all values of its parts are the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/config/document.h"
#include "source/filters/traffic/gcra_table.h"
#include "source/filters/traffic/limit_key.h"
#include "source/filters/traffic/limit_rates.h"

namespace gatehouse::filters {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

std::string_view TakeLine(std::string_view& input) {
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return line;
}

void LookAtRate(std::string_view text) {
  const Result<LimitRate> rate = ParseRate(text);
  if (!rate) {
    GATEHOUSE_CHECK(!rate.error().message.empty(), "a mistake without a word");
    const std::string meant = SuggestRate(text);
    GATEHOUSE_CHECK(meant.empty() || ParseRate(meant), "a suggestion that is wrong too");
    return;
  }
  const Result<LimitRate> again = ParseRate(FormatRate(*rate));
  GATEHOUSE_CHECK(again && *again == *rate, "a rate is not what it is written as");
  const LimitRate one{.amount = rate->amount, .period = rate->period, .burst = 1};
  const Pace pace(one, 1);
  GATEHOUSE_CHECK(pace.step() > 0 && pace.tolerance() == pace.step(), "a rate can't be counted");
  GcraTable table(1);
  const MonotonicTime now(std::chrono::hours(1));
  GATEHOUSE_CHECK(table.Take(7, pace, now).decision.allowed, "the first is refused");
  const LimitDecision second = table.Take(7, pace, now).decision;
  GATEHOUSE_CHECK(!second.allowed && second.retry_after.count() > 0, "the second is not");
  GATEHOUSE_CHECK(table.Take(7, pace, now + second.retry_after).decision.allowed,
                  "nor is it allowed when it was told");
}

LimitKey LoadKey(std::string_view yaml, config::Diagnostics& diagnostics) {
  const auto document = config::Document::Parse(
      "key", "key: " + std::string(yaml), [](std::string_view) { return std::nullopt; },
      diagnostics);
  config::Object in = document->Root();
  return LimitKey::Load(in);
}

Fields TakeFields(std::string_view& input) {
  Fields out;
  while (!input.empty()) {
    const std::string_view line = TakeLine(input);
    if (line.empty()) {
      break;
    }
    const size_t colon = line.find(": ");
    if (colon != line.npos && colon > 0 && out.size() < 100) {
      out.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  return out;
}

std::string SpelledOf(const LimitKey& key, const Fields& fields, Arena& arena,
                      const observe::StreamInfo& info) {
  http::RequestHead& head = *arena.New<http::RequestHead>(arena);
  for (const auto& [name, value] : fields) {
    head.headers.Add(name, value);
  }
  GATEHOUSE_CHECK(!key.Describe(head, info).empty(), "a key without a word");
  const std::string out = key.Spelled(head, info);
  const SipKey secret{1, 2};
  GATEHOUSE_CHECK(key.Hash(secret, head, info) == key.Hash(secret, head, info), "a hash");
  return out;
}

// All values of `name` that are not empty, in order.
std::vector<std::string_view> ValuesOf(const Fields& fields, std::string_view name) {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : fields) {
    const bool same =
        std::equal(key.begin(), key.end(), name.begin(), name.end(),
                   [](char a, char b) { return (a | ('A' <= a && a <= 'Z' ? 0x20 : 0)) == b; });
    if (same && !value.empty()) {
      out.push_back(value);
    }
  }
  return out;
}

void LookAtRequests(const LimitKey& given, std::string_view input) {
  const Fields first = TakeFields(input);
  const Fields second = TakeFields(input);
  ArenaPool pool;
  Arena arena(pool);
  observe::StreamInfo info;
  info.client = *ParseIp("2001:db8::1");
  (void)SpelledOf(given, first, arena, info);
  (void)SpelledOf(given, second, arena, info);
  config::Diagnostics diagnostics;
  const LimitKey two = LoadKey("[{header: a}, {header: b}]", diagnostics);
  const bool same = ValuesOf(first, "a") == ValuesOf(second, "a") &&
                    ValuesOf(first, "b") == ValuesOf(second, "b");
  GATEHOUSE_CHECK(
      same == (SpelledOf(two, first, arena, info) == SpelledOf(two, second, arena, info)),
      "values run together, or apart");
}

void LookAt(std::string_view input) {
  LookAtRate(TakeLine(input));
  config::Diagnostics diagnostics;
  LookAtRequests(LoadKey(TakeLine(input), diagnostics), input);
}

}  // namespace
}  // namespace gatehouse::filters

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::filters::LookAt({reinterpret_cast<const char*>(data), size});
  return 0;
}
