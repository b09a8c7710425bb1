// SPDX-License-Identifier: Apache-2.0
// Answers 429 when a key sends more than its rate.
//
//   rate_limit:
//     rate: 100/s               # also /m, /h, /d; evenly spread (GCRA)
//     burst: 200                # at once after a rest; the rate's amount when left out
//     key: client_ip            # or route, listener, consumer, claims.NAME, {header: NAME}, a list
//     rates: {by: attributes.plan, values: {gold: 1000/s}}
//     cost: 1
//     store: redis://10.0.0.5   # one count for all gateways; without it, one for all workers
//     on_store_failure: allow   # or deny, local
//
// A definition whose key stays the same goes on with the debts of the one it replaces, whatever
// else has changed; an override in a route counts with its base as long as key and rates are the
// same, and otherwise goes on as long as its own are. With neither `store` nor `headers: always`
// nothing is kept of a stream: one filter object serves all.
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/filters/builtin.h"
#include "source/filters/traffic/gcra_table.h"
#include "source/filters/traffic/limit_fields.h"
#include "source/filters/traffic/limit_key.h"
#include "source/filters/traffic/limit_rates.h"
#include "source/filters/traffic/override_tables.h"
#include "source/filters/traffic/redis_limiter.h"
#include "source/filters/traffic/redis_store_config.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

enum class Tell : uint8_t { kLimited, kAlways, kOff };
enum class OnFailure : uint8_t { kAllow, kDeny, kLocal };

struct Settings {
  LimitKey key;
  LimitRates rates;
  uint64_t cost = 1;
  uint64_t max_keys = 0;
  Tell headers = Tell::kLimited;
  bool dry_run = false;
  std::optional<RedisStore> store;
  OnFailure on_failure = OnFailure::kAllow;
};

// One of the rates, ready to be used.
struct Tariff {
  LimitRate rate;
  Pace pace;
  std::string policy;   // The value of RateLimit-Policy.
  std::string refusal;  // For the log.
};

class RateLimitDefinition final : public pipeline::FilterDefinition {
 public:
  RateLimitDefinition(Settings settings, const pipeline::LoadContext& context);

  pipeline::Filter* NewFilter(Stream& stream) const override;
  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override;
  std::string State() const override;

 private:
  class Gate;     // Keeps nothing of a stream.
  class Visitor;  // Does: what it waits for, or what it tells the client.

  static pipeline::Phases PhasesOf(const Settings& settings);
  using Overrides = OverrideTables<GcraTable>;
  static std::shared_ptr<Overrides> OverridesFor(const pipeline::LoadContext& context);
  static std::shared_ptr<GcraTable> TableFor(const Settings& settings,
                                             const pipeline::LoadContext& context,
                                             Overrides& overrides);
  // Whether a route's settings leave it what its base is: then both count together.
  static bool IsAsItsBase(const Settings& settings, const pipeline::LoadContext& context);

  const Tariff& TariffOf(const observe::StreamInfo& info) const {
    return tariffs_[settings_.rates.IndexOf(info.identity)];
  }
  // Asks the table of this process.
  LimitDecision Decide(const http::RequestHead& head, const Tariff& tariff, Stream& stream) const;
  // Counts and tells what was decided; replies to who is refused.
  Action Apply(const LimitDecision& decision, const Tariff& tariff, Stream& stream) const;
  Action Refuse(const LimitDecision& decision, const Tariff& tariff, Stream& stream) const;
  // What becomes of a request that the store says nothing of.
  Action WithoutStore(const Error& error, Stream& stream) const;
  void TellDryRun(Stream& stream) const;
  void StoreFailed(std::string_view why, MonotonicTime now) const;
  void StoreAnswered(MonotonicTime now) const;

  const Settings settings_;
  const LimitFields fields_;
  std::vector<Tariff> tariffs_;                 // As settings_.rates.all().
  const std::shared_ptr<Overrides> overrides_;  // Of the base and all that came before it.
  const std::shared_ptr<GcraTable> table_;
  std::optional<RedisLimiter> limiter_;
  std::string store_suffix_;  // Of keys in the store.
  const observe::MetricId allowed_;
  const observe::MetricId limited_;
  const observe::MetricId would_limit_;
  const observe::MetricId evicted_;
  const observe::MetricId store_failures_;
  mutable std::atomic<bool> store_away_{false};
  mutable std::atomic<int64_t> store_failed_{0};  // When it last did, by the monotonic clock.
  mutable log::Repeated told_;
  std::unique_ptr<Gate> gate_;
};

class RateLimitDefinition::Gate final : public pipeline::Filter {
 public:
  explicit Gate(const RateLimitDefinition& limit) : limit_(limit) {}
  Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
    const Tariff& tariff = limit_.TariffOf(stream.info());
    return limit_.Apply(limit_.Decide(head, tariff, stream), tariff, stream);
  }

 private:
  const RateLimitDefinition& limit_;
};

class RateLimitDefinition::Visitor final : public pipeline::Filter {
 public:
  explicit Visitor(const RateLimitDefinition& limit) : limit_(limit) {}

  Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
    tariff_ = &limit_.TariffOf(stream.info());
    if (!limit_.limiter_) {
      return Apply(limit_.Decide(head, *tariff_, stream), stream);
    }
    pending_ = limit_.limiter_->Ask(
        stream.services(), limit_.settings_.key.Spelled(head, stream.info()) + limit_.store_suffix_,
        tariff_->rate, limit_.settings_.cost, [this, &stream](Result<LimitDecision> answer) {
          if (OnAnswer(answer, stream) == Action::kContinue) {
            stream.Resume();
          }
        });
    return Action::kPause;
  }

  Action OnResponseHeaders(http::ResponseHead& head, Stream& stream) override {
    if (told_) {
      head.headers.Add("ratelimit-policy", tariff_->policy);
      head.headers.Add("ratelimit", limit_.fields_.State(tariff_->rate, *told_, stream.arena()));
    }
    return Action::kContinue;
  }

 private:
  Action OnAnswer(const Result<LimitDecision>& answer, Stream& stream) {
    if (answer) {
      limit_.StoreAnswered(stream.now());
      return Apply(*answer, stream);
    }
    limit_.StoreFailed(answer.error().message, stream.now());
    stream.Count(limit_.store_failures_);
    if (limit_.settings_.on_failure == OnFailure::kLocal) {
      return Apply(limit_.Decide(stream.request(), *tariff_, stream), stream);
    }
    return limit_.WithoutStore(answer.error(), stream);
  }

  // The answer to who is refused has the fields already.
  Action Apply(const LimitDecision& decision, Stream& stream) {
    const Action action = limit_.Apply(decision, *tariff_, stream);
    if (action == Action::kContinue) {
      told_ = decision;
    }
    return action;
  }

  const RateLimitDefinition& limit_;
  const Tariff* tariff_ = nullptr;
  std::optional<LimitDecision> told_;
  std::unique_ptr<pipeline::Pending> pending_;
};

RateLimitDefinition::RateLimitDefinition(Settings settings, const pipeline::LoadContext& context)
    : FilterDefinition(PhasesOf(settings), 0),
      settings_(std::move(settings)),
      fields_(context.filter_name),
      overrides_(OverridesFor(context)),
      table_(TableFor(settings_, context, *overrides_)),
      allowed_(context.Counter("rate_limit", "allowed", "Requests within their rate.")),
      limited_(context.Counter("rate_limit", "limited", "Requests refused: over their rate.")),
      would_limit_(context.Counter("rate_limit", "would_limit",
                                   "Requests let in that would be refused without `dry_run`.")),
      evicted_(context.Counter("rate_limit", "evicted",
                               "Keys that lost their place in the table while they still owed: "
                               "`max_keys` is small. Their debts are remembered.")),
      store_failures_(context.Counter("rate_limit", "store_failures",
                                      "Requests of which the store could not be asked, or gave no "
                                      "answer in time.")) {
  needs_identity = settings_.key.OfIdentity() || settings_.rates.OfIdentity();
  for (const LimitRate& rate : settings_.rates.all()) {
    tariffs_.push_back({rate, Pace(rate, settings_.cost), fields_.Policy(rate),
                        std::string(context.filter_name) + ": over " + FormatRate(rate)});
  }
  if (settings_.store) {
    limiter_.emplace(settings_.store->server, settings_.store->prefix,
                     settings_.rates.LongestDebt());
    if (context.base != nullptr && !IsAsItsBase(settings_, context)) {
      store_suffix_ = settings_.key.ToText() + "\n" + settings_.rates.ToText();
    }
  } else if (settings_.headers != Tell::kAlways) {
    gate_ = std::make_unique<Gate>(*this);
  }
}

pipeline::Phases RateLimitDefinition::PhasesOf(const Settings& settings) {
  return {.request_headers = true, .response_headers = settings.headers == Tell::kAlways};
}

// A route's own rate is a limit of its own.
bool RateLimitDefinition::IsAsItsBase(const Settings& settings,
                                      const pipeline::LoadContext& context) {
  const Settings& base = static_cast<const RateLimitDefinition*>(context.base)->settings_;
  return base.key.ToText() == settings.key.ToText() &&
         base.rates.ToText() == settings.rates.ToText();
}

std::shared_ptr<RateLimitDefinition::Overrides> RateLimitDefinition::OverridesFor(
    const pipeline::LoadContext& context) {
  const pipeline::FilterDefinition* const other =
      context.base != nullptr ? context.base : context.previous;
  return other != nullptr ? static_cast<const RateLimitDefinition*>(other)->overrides_
                          : std::make_shared<Overrides>();
}

std::shared_ptr<GcraTable> RateLimitDefinition::TableFor(const Settings& settings,
                                                         const pipeline::LoadContext& context,
                                                         Overrides& overrides) {
  const bool needed = !settings.store || settings.on_failure == OnFailure::kLocal;
  const uint64_t max_keys = needed && context.activate ? settings.max_keys : 1;
  if (context.base != nullptr && !IsAsItsBase(settings, context)) {
    return overrides.Find(settings.key.ToText() + "\n" + settings.rates.ToText(), max_keys);
  }
  const pipeline::FilterDefinition* const other =
      context.base != nullptr ? context.base : context.previous;
  if (other != nullptr) {
    const auto& served = static_cast<const RateLimitDefinition&>(*other);
    if (served.settings_.key.ToText() == settings.key.ToText() &&
        served.table_->max_keys() == max_keys) {
      return served.table_;
    }
  }
  return std::make_shared<GcraTable>(max_keys);
}

pipeline::Filter* RateLimitDefinition::NewFilter(Stream& stream) const {
  return gate_ != nullptr ? static_cast<pipeline::Filter*>(gate_.get())
                          : stream.arena().New<Visitor>(*this);
}

LimitDecision RateLimitDefinition::Decide(const http::RequestHead& head, const Tariff& tariff,
                                          Stream& stream) const {
  const uint64_t key = settings_.key.Hash(table_->secret(), head, stream.info());
  const GcraTable::Outcome outcome = table_->Take(key, tariff.pace, stream.now());
  if (outcome.evicted) [[unlikely]] {
    stream.Count(evicted_);
  }
  return outcome.decision;
}

Action RateLimitDefinition::Apply(const LimitDecision& decision, const Tariff& tariff,
                                  Stream& stream) const {
  stream.SetLimit({.filter = name,
                   .limit = tariff.rate.burst,
                   .remaining = decision.remaining,
                   .reset = decision.reset});
  if (decision.allowed) [[likely]] {
    stream.Count(allowed_);
    stream.AddVerdict(name, "allowed");
    return Action::kContinue;
  }
  if (settings_.dry_run) {
    stream.Count(would_limit_);
    stream.AddVerdict(name, "would limit");
    TellDryRun(stream);
    return Action::kContinue;
  }
  return Refuse(decision, tariff, stream);
}

Action RateLimitDefinition::Refuse(const LimitDecision& decision, const Tariff& tariff,
                                   Stream& stream) const {
  stream.Count(limited_);
  stream.AddVerdict(name, "limited");
  const std::string retry_after = RetryAfter(decision.retry_after);
  const std::array<pipeline::ReplyHeaders::Field, 3> fields = {
      {{"retry-after", retry_after},
       {"ratelimit-policy", tariff.policy},
       {"ratelimit", fields_.State(tariff.rate, decision, stream.arena())}}};
  const size_t told = settings_.headers == Tell::kOff ? 1 : fields.size();
  return stream.ReplyError(ErrorCode::kRateLimited, tariff.refusal,
                           pipeline::ReplyHeaders(std::span(fields).first(told)));
}

Action RateLimitDefinition::WithoutStore(const Error& error, Stream& stream) const {
  if (settings_.on_failure == OnFailure::kAllow || settings_.dry_run) {
    stream.AddVerdict(name, "allowed without its store");
    return Action::kContinue;
  }
  stream.AddVerdict(name, "refused without its store");
  return stream.ReplyError(
      ErrorCode::kLimiterUnavailable,
      stream.arena().Concat(std::string_view(name), ": ", std::string_view(error.message)),
      {{"retry-after", "1"}});
}

void RateLimitDefinition::TellDryRun(Stream& stream) const {
  const auto held = told_.Admit(stream.now());
  if (held) {
    const observe::StreamInfo& info = stream.info();
    log::Info("rate_limit would limit", {{"filter", name},
                                         {"key", settings_.key.Describe(stream.request(), info)},
                                         {"route", info.route},
                                         {"held_back", *held}});
  }
}

// One line, whichever worker sees it first.
void RateLimitDefinition::StoreFailed(std::string_view why, MonotonicTime now) const {
  static constexpr std::string_view kMeanwhile[] = {"allow", "deny", "local"};
  const bool passes = settings_.dry_run && settings_.on_failure == OnFailure::kDeny;
  const OnFailure meanwhile = passes ? OnFailure::kAllow : settings_.on_failure;
  store_failed_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (!store_away_.load(std::memory_order_relaxed) && !store_away_.exchange(true)) {
    log::Warning("the store of a rate limit is away",
                 {{"filter", name},
                  {"until_it_is_back", kMeanwhile[static_cast<size_t>(meanwhile)]},
                  {"error", why}});
  }
}

// Once it has not failed for a while, so that one that comes and goes does not fill the log.
void RateLimitDefinition::StoreAnswered(MonotonicTime now) const {
  constexpr Duration kWhile = std::chrono::seconds(1);
  if (!store_away_.load(std::memory_order_relaxed) ||
      now.time_since_epoch().count() - store_failed_.load(std::memory_order_relaxed) <
          kWhile.count()) {
    return;
  }
  if (store_away_.exchange(false)) {
    log::Info("the store of a rate limit is back", {{"filter", name}});
  }
}

std::string RateLimitDefinition::Explain(const http::RequestHead& head,
                                         const observe::StreamInfo& info) const {
  const Tariff& tariff = TariffOf(info);
  std::string out = FormatRate(tariff.rate) + ", burst " + std::to_string(tariff.rate.burst);
  if (settings_.cost != 1) {
    out += ", cost " + std::to_string(settings_.cost);
  }
  const bool somebody = info.identity != nullptr || !settings_.key.OfIdentity();
  out += ", key " + settings_.key.Explain(head, info);
  if (limiter_) {
    out += "; its store knows how much is used";
    if (somebody) {
      out += ", under " + limiter_->RedisKey(settings_.key.Spelled(head, info) + store_suffix_);
    }
  } else if (somebody) {
    const uint64_t key = settings_.key.Hash(table_->secret(), head, info);
    const LimitDecision now = table_->Peek(key, tariff.pace, MonotonicNow());
    out += now.allowed ? "; allowed, with " + std::to_string(now.remaining) + " left after it"
                       : "; limited, for " + RetryAfter(now.retry_after) + " s more";
  }
  return out + (settings_.dry_run ? "; with dry_run, every request passes" : "");
}

std::string RateLimitDefinition::State() const {
  std::string out = "{\"rate\": \"" + FormatRate(settings_.rates.all()[0]) + "\"";
  out += ", \"burst\": " + std::to_string(settings_.rates.all()[0].burst);
  if (settings_.store) {
    out += std::string(", \"store_away\": ") + (store_away_ ? "true" : "false");
  }
  if (!settings_.store || settings_.on_failure == OnFailure::kLocal) {
    out += ", \"max_keys\": " + std::to_string(settings_.max_keys);
    out += ", \"keys_in_use\": " + std::to_string(table_->CountOwing(MonotonicNow()));
  }
  return out + "}";
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Settings settings;
  settings.cost = in.Uint("cost", {.def = 1, .min = 1, .max = 1'000'000},
                          "How much of the rate one request takes.");
  settings.rates = LimitRates::Load(in, settings.cost);
  settings.key = LimitKey::Load(in);
  settings.max_keys =
      in.Uint("max_keys", {.def = 100'000, .min = 1, .max = 10'000'000},
              "How many keys that are in use at once have room, at about 48 bytes each.");
  settings.headers = in.Enum<Tell>(
      "headers", {{"limited", Tell::kLimited}, {"always", Tell::kAlways}, {"off", Tell::kOff}},
      Tell::kLimited,
      "Which responses have the fields RateLimit and RateLimit-Policy: the 429 "
      "alone, all of them, or none.");
  settings.dry_run = in.Bool("dry_run", false,
                             "Let every request pass; count and log those that would be refused.");
  settings.store = LoadRedisStore(in, context.filter_name);
  settings.on_failure = in.Enum<OnFailure>(
      "on_store_failure",
      {{"allow", OnFailure::kAllow}, {"deny", OnFailure::kDeny}, {"local", OnFailure::kLocal}},
      OnFailure::kAllow,
      "What becomes of requests while the store is away: they pass, are answered 503, or are "
      "counted in this process.");
  if (in.Has("on_store_failure") && !in.Has("store")) {
    in.Error("on_store_failure", "needs a `store` that could fail");
  }
  return std::make_shared<RateLimitDefinition>(std::move(settings), context);
}

}  // namespace

pipeline::FilterType RateLimit() {
  return {"rate_limit",
          Load,
          "Answers 429 when a client, a consumer or another key sends more than its rate.",
          {"rate: 100/s, burst: 200, key: client_ip, ipv6_prefix: 64, cost: 1, max_keys: 100000, "
           "headers: limited, dry_run: false, "
           "rates: {by: attributes.plan, values: {gold: {rate: 1000/s, burst: 2000}, free: 10/s}}, "
           "store: \"redis://127.0.0.1:6379/0\", store_timeout: 100ms, store_prefix: \"limit:\", "
           "on_store_failure: allow",
           "rate: 100/s, key: [route, {header: x-tenant}], "
           "rates: {by: attributes.plan, values: {NAME: 10/s}}",
           "rate: 100/s, key: {cookie: session}, "
           "rates: {by: claims.plan, values: {NAME: {rate: 10/s, burst: 20}}}",
           "rate: 100/s, key: {header: x-tenant}", "rate: 100/s, key: [{cookie: session}]"}};
}

}  // namespace gatehouse::filters
