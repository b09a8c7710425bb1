// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/redis_limiter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "source/base/digest.h"

namespace gatehouse::filters {
namespace {

using pipeline::RedisValue;

// Times are whole microseconds and millionths of one. Lua's numbers are doubles, which hold any
// microsecond of the next two centuries, but no nanosecond of this one; and at 3,000,000/s a third
// of a microsecond matters. A debt beyond what any rate of the limit allows comes of a clock that
// was set back or of a limit that was larger: it counts as the whole burst, also from now on, or it
// would keep its key out for as long. One that another rate of the limit allows stays: callers who
// share a key at two rates don't free each other. SET writes text that was formatted here, as `..`
// rounds to 14 digits.
constexpr char kScript[] = R"(local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local owed, owed_part, forgiven = 0, 0, false
local limit, limit_part = tonumber(ARGV[3]), tonumber(ARGV[4])
local function keep(ahead, part)
  redis.call('SET', KEYS[1], string.format('%.0f%06.0f', now + ahead, part),
             'PX', string.format('%.0f', math.floor(ahead / 1000) + 1))
end
local stored = redis.call('GET', KEYS[1])
if stored then
  local tat = tonumber(string.sub(stored, 1, -7))
  local part = tonumber(string.sub(stored, -6))
  if tat and part and part >= 0 and part < 1000000 and tat >= now then
    owed, owed_part = tat - now, part
    if owed > tonumber(ARGV[5]) then
      owed, owed_part, forgiven = limit, limit_part, true
    end
  end
end
local cost, cost_part = tonumber(ARGV[1]), tonumber(ARGV[2])
local after, after_part = owed + cost, owed_part + cost_part
if after_part >= 1000000 then
  after, after_part = after + 1, after_part - 1000000
end
if after > limit or (after == limit and after_part > limit_part) then
  if forgiven then
    keep(owed, owed_part)
  end
  return {0, owed, owed_part}
end
if cost > 0 or cost_part > 0 then
  keep(after, after_part)
end
return {1, after, after_part}
)";

// In picoseconds: millionths of a microsecond.
using Picoseconds = unsigned __int128;
constexpr uint64_t kPerMicrosecond = 1'000'000;
// What a double can add to the time of day without rounding, and longer than any limit that is
// meant.
constexpr Picoseconds kCentury = Picoseconds{36500} * 24 * 3600 * kPerMicrosecond * kPerMicrosecond;

Picoseconds Times(uint64_t count, Picoseconds interval) {
  return count > kCentury / interval ? kCentury : count * interval;
}

// One limit in the script's units. Cost and burst are multiples of the interval, so that what
// remains is a whole number of requests.
struct Terms {
  Terms(const LimitRate& rate, uint64_t cost, Duration longest_debt)
      : interval(std::clamp<Picoseconds>(
            Picoseconds(static_cast<uint64_t>(rate.period.count())) * 1000 / rate.amount, 1,
            kCentury)),
        limit(Times(rate.burst, interval)),
        // More than the burst never conforms, also where both are longer than a century.
        cost(cost > rate.burst ? std::max(Times(cost, interval), limit + kPerMicrosecond)
                               : Times(cost, interval)),
        most(std::max((limit + kPerMicrosecond - 1) / kPerMicrosecond,
                      Picoseconds(static_cast<uint64_t>(longest_debt.count())) / 1000 + 1)),
        burst(rate.burst) {}

  Picoseconds interval;
  Picoseconds limit;
  Picoseconds cost;
  Picoseconds most;  // Microseconds that any rate may owe, rounded up.
  uint64_t burst;
};

Duration ToDuration(Picoseconds time) {
  return Duration(static_cast<Duration::rep>((time + 999) / 1000));
}

LimitDecision Decide(bool allowed, Picoseconds owed, const Terms& terms) {
  LimitDecision out;
  out.allowed = allowed;
  const Picoseconds left = terms.limit - std::min(owed, terms.limit);
  out.remaining = std::min(static_cast<uint64_t>(left / terms.interval), terms.burst);
  out.reset = ToDuration(owed);
  if (!allowed) {
    out.retry_after = ToDuration(owed + terms.cost - terms.limit);
  }
  return out;
}

Result<LimitDecision> Read(const RedisValue& value, const Terms& terms) {
  const auto is_integer = [](const RedisValue& one) {
    return one.kind == RedisValue::Kind::kInteger && one.integer >= 0;
  };
  const auto& parts = value.elements;
  if (value.kind == RedisValue::Kind::kArray && parts.size() == 3 &&
      std::all_of(parts.begin(), parts.end(), is_integer) && parts[0].integer <= 1) {
    const Picoseconds owed =
        Picoseconds(static_cast<uint64_t>(parts[1].integer)) * kPerMicrosecond +
        static_cast<uint64_t>(parts[2].integer);
    const bool allowed = parts[0].integer == 1;
    if (allowed ? owed <= terms.limit
                : owed / kPerMicrosecond <= terms.most && owed + terms.cost > terms.limit) {
      return Decide(allowed, owed, terms);
    }
  }
  return Fail(ErrorCode::kIo, ErrorSource::kUpstream,
              "Redis answered something else than the limit's script does");
}

// Numbers as text, in place.
class Arguments {
 public:
  std::string_view Add(uint64_t value) {
    char* const begin = end_;
    end_ = std::to_chars(begin, text_.data() + text_.size(), value).ptr;
    return {begin, end_};
  }

 private:
  static constexpr size_t kMaxDigits = 20;
  std::array<char, 5 * kMaxDigits> text_;
  char* end_ = text_.data();
};

}  // namespace

const pipeline::RedisScript& RedisLimiter::Script() {
  static const pipeline::RedisScript kOnce{kScript, Sha1Hex(kScript)};
  return kOnce;
}

std::string RedisLimiter::RedisKey(std::string_view key) const {
  constexpr size_t kBytes = 20;
  const Sha256Digest digest = Sha256().Add(key).Finish();
  std::string out;
  out.reserve(prefix_.size() + 2 * kBytes);
  out.append(prefix_);
  for (const uint8_t byte : std::span(digest).first(kBytes)) {
    out.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  }
  return out;
}

std::unique_ptr<pipeline::Pending> RedisLimiter::Ask(
    pipeline::Services& services, std::string_view key, const LimitRate& rate, uint64_t cost,
    std::function<void(Result<LimitDecision>)> done) const {
  const Terms terms(rate, cost, longest_debt_);
  const std::string redis_key = RedisKey(key);
  const std::string_view keys[] = {redis_key};
  Arguments texts;
  const auto micro = [](Picoseconds time) { return static_cast<uint64_t>(time / kPerMicrosecond); };
  const auto part = [](Picoseconds time) { return static_cast<uint64_t>(time % kPerMicrosecond); };
  const std::array<std::string_view, 5> arguments = {
      texts.Add(micro(terms.cost)), texts.Add(part(terms.cost)), texts.Add(micro(terms.limit)),
      texts.Add(part(terms.limit)), texts.Add(static_cast<uint64_t>(terms.most))};
  return services.RunScript(
      server_, Script(), keys, arguments,
      [terms, done = std::move(done)](Result<RedisValue> value) {
        done(value ? Read(*value, terms)
                   : Result<LimitDecision>(tl::unexpected<Error>(std::move(value.error()))));
      });
}

}  // namespace gatehouse::filters
