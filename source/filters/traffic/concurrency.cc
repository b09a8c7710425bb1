// SPDX-License-Identifier: Apache-2.0
// Answers 429 when a key has too many requests in flight.
//
//   concurrency: {max: 100, key: client_ip}   # keys as rate_limit has them
//
// A request is in flight from here on until its stream has ended, whatever ends it: the response,
// a reset, a timeout, the end of a tunnel. One that is refused never was. The counts are those of
// all workers, and go on over reloads and in routes that change other settings than the key.
#include <memory>
#include <string>
#include <utility>

#include "source/base/log.h"
#include "source/filters/builtin.h"
#include "source/filters/traffic/in_flight_table.h"
#include "source/filters/traffic/limit_key.h"
#include "source/filters/traffic/override_tables.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

struct Settings {
  uint64_t max = 0;
  LimitKey key;
  uint64_t max_keys = 0;
  bool dry_run = false;
};

class ConcurrencyDefinition final : public pipeline::FilterDefinition {
 public:
  ConcurrencyDefinition(Settings settings, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Visitor>(), 0),
        settings_(std::move(settings)),
        overrides_(OverridesFor(context)),
        table_(TableFor(settings_, context, *overrides_)),
        allowed_(context.Counter("concurrency", "allowed", "Requests let in.")),
        limited_(context.Counter("concurrency", "limited",
                                 "Requests refused: too many of their key were in flight.")),
        would_limit_(context.Counter("concurrency", "would_limit",
                                     "Requests let in that would be refused without `dry_run`.")),
        uncounted_(context.Counter("concurrency", "uncounted",
                                   "Requests let in without being counted, as so many keys had "
                                   "requests in flight: `max_keys` is small.")) {
    needs_identity = settings_.key.OfIdentity();
  }

  pipeline::Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<Visitor>(*this);
  }

  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override {
    std::string out = "at most " + std::to_string(settings_.max) + " in flight, key " +
                      settings_.key.Explain(head, info);
    if (info.identity != nullptr || !settings_.key.OfIdentity()) {
      const uint64_t count = table_->Count(settings_.key.Hash(table_->secret(), head, info));
      out += "; " + std::to_string(count) + " now, so it is " +
             (count < settings_.max ? "allowed" : "limited");
    }
    return out + (settings_.dry_run ? "; with dry_run, every request passes" : "");
  }

  std::string State() const override {
    const InFlightTable::Totals totals = table_->CountAll();
    return "{\"max\": " + std::to_string(settings_.max) +
           ", \"max_keys\": " + std::to_string(settings_.max_keys) +
           ", \"keys\": " + std::to_string(totals.keys) +
           ", \"in_flight\": " + std::to_string(totals.requests) + "}";
  }

 private:
  class Visitor final : public pipeline::Filter {
   public:
    explicit Visitor(const ConcurrencyDefinition& limit) : limit_(limit) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      return limit_.Enter(head, stream, permit_);
    }
    void OnStreamEnd(const observe::StreamInfo&, Stream&) noexcept override {
      InFlightTable::Leave(std::exchange(permit_, {}));
    }

   private:
    const ConcurrencyDefinition& limit_;
    InFlightTable::Permit permit_;
  };

  using Overrides = OverrideTables<InFlightTable>;
  // The base of an override, or what is replaced; may be null.
  static const ConcurrencyDefinition* Earlier(const pipeline::LoadContext& context) {
    return static_cast<const ConcurrencyDefinition*>(context.base != nullptr ? context.base
                                                                             : context.previous);
  }
  static std::shared_ptr<Overrides> OverridesFor(const pipeline::LoadContext& context) {
    const ConcurrencyDefinition* const earlier = Earlier(context);
    return earlier != nullptr ? earlier->overrides_ : std::make_shared<Overrides>();
  }
  static std::shared_ptr<InFlightTable> TableFor(const Settings& settings,
                                                 const pipeline::LoadContext& context,
                                                 Overrides& overrides) {
    const uint64_t max_keys = context.activate ? settings.max_keys : 1;
    const ConcurrencyDefinition* const earlier = Earlier(context);
    if (earlier != nullptr && earlier->settings_.key.ToText() == settings.key.ToText() &&
        earlier->table_->max_keys() == max_keys) {
      return earlier->table_;
    }
    return context.base != nullptr ? overrides.Find(settings.key.ToText(), max_keys)
                                   : std::make_shared<InFlightTable>(max_keys);
  }

  Action Enter(const http::RequestHead& head, Stream& stream, InFlightTable::Permit& permit) const {
    const uint64_t key = settings_.key.Hash(table_->secret(), head, stream.info());
    const InFlightTable::Outcome outcome = table_->Enter(key, settings_.max);
    if (outcome.allowed) [[likely]] {
      permit = outcome.permit;
      stream.Count(permit.holds() ? allowed_ : uncounted_);
      stream.AddVerdict(name, "allowed");
      return Action::kContinue;
    }
    if (settings_.dry_run) {
      permit = table_->Enter(key, InFlightTable::kMostAtOnce).permit;
      stream.Count(would_limit_);
      stream.AddVerdict(name, "would limit");
      TellDryRun(head, stream);
      return Action::kContinue;
    }
    stream.Count(limited_);
    stream.AddVerdict(name, "limited");
    return stream.ReplyError(ErrorCode::kConcurrencyLimited,
                             stream.arena().Concat(std::string_view(name), ": ",
                                                   std::string_view(std::to_string(outcome.count)),
                                                   " requests are in flight"),
                             {{"retry-after", "1"}});
  }

  void TellDryRun(const http::RequestHead& head, Stream& stream) const {
    const auto held = told_.Admit(stream.now());
    if (held) {
      log::Info("concurrency would limit", {{"filter", name},
                                            {"key", settings_.key.Describe(head, stream.info())},
                                            {"route", stream.info().route},
                                            {"held_back", *held}});
    }
  }

  const Settings settings_;
  const std::shared_ptr<Overrides> overrides_;  // Of the base and all that came before it.
  const std::shared_ptr<InFlightTable> table_;
  const observe::MetricId allowed_;
  const observe::MetricId limited_;
  const observe::MetricId would_limit_;
  const observe::MetricId uncounted_;
  mutable log::Repeated told_;
};

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Settings settings;
  settings.max =
      in.Uint("max", {.def = 1, .min = 1, .max = InFlightTable::kMostAtOnce},
              config::About("How many requests of one key may be in flight.").Required());
  if (!in.Has("max")) {
    in.Error("needs `max`, such as 100");
  }
  settings.key = LimitKey::Load(in);
  settings.max_keys =
      in.Uint("max_keys", {.def = 100'000, .min = 1, .max = 10'000'000},
              "How many keys with requests in flight have room, at 32 bytes each; what finds none "
              "passes.");
  settings.dry_run = in.Bool("dry_run", false,
                             "Let every request pass; count and log those that would be refused.");
  return std::make_shared<ConcurrencyDefinition>(std::move(settings), context);
}

}  // namespace

pipeline::FilterType Concurrency() {
  return {"concurrency",
          Load,
          "Answers 429 when a client, a consumer or another key has too many requests in flight.",
          {"max: 100, key: client_ip, ipv6_prefix: 64, max_keys: 100000, dry_run: false",
           "max: 100, key: [route, {header: x-tenant}]", "max: 100, key: {cookie: session}",
           "max: 100, key: {header: x-tenant}", "max: 100, key: [{cookie: session}]"}};
}

}  // namespace gatehouse::filters
