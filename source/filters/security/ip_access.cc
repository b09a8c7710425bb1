// SPDX-License-Identifier: Apache-2.0
// Lets requests in, or answers them 403, by the address they come from.
//
//   ip_access:
//     deny: [192.0.2.0/24, 2001:db8::/32]
//     deny_file: lists/deny.txt      # one block a line, `#` starts a comment; watched
//     deny_files: [lists/more.txt]
//     allow: [10.0.0.0/8]            # when given, everything else is denied
//     allow_file: lists/allow.txt
//     country: {database: GeoLite2-Country.mmdb, deny: [KP], unknown: allow}
//     source: client                 # whom trusted proxies name; peer: the socket's address
//     max_entries: 100000            # POST /filters/NAME/entries
//
// access_rules.h says what wins over what. That somebody is let in by the peer's address alone is
// found once per connection and remembered under the version of all lists, so a ban also ends the
// next request of a connection that is open. Nothing is remembered that ends by itself, as entries
// do, nor who is denied: why must be said each time.
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/filters/builtin.h"
#include "source/filters/security/access_config.h"
#include "source/filters/security/access_state.h"
#include "source/filters/security/access_upkeep.h"
#include "source/filters/security/entry_requests.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;
using pipeline::Verdict;

struct Counters {
  observe::MetricId allowed;
  observe::MetricId denied;
  observe::MetricId would_deny;
  AccessUpkeepCounters upkeep;
};

class IpAccessDefinition final : public pipeline::FilterDefinition {
 public:
  IpAccessDefinition(AccessConfig config, uint32_t workers, const Counters& counters)
      : FilterDefinition(pipeline::Phases::Of<Gate>(), 0),
        config_(std::move(config)),
        counters_(counters),
        made_(static_cast<uint64_t>(MonotonicNow().time_since_epoch().count())) {
    for (uint32_t i = 0; i < workers; ++i) {
      views_.push_back(std::make_unique<AccessView>(config_.rules));
    }
  }

  pipeline::Filter* NewFilter(Stream&) const override { return &gate_; }

  bool SourcesUnchanged() const override {
    for (const std::shared_ptr<ListFile>& file : config_.own_files) {
      if (!file->Unchanged()) {
        return false;
      }
    }
    return config_.own_database == nullptr || config_.own_database->Unchanged();
  }
  std::unique_ptr<pipeline::Upkeep> StartUpkeep(pipeline::Services& services) const override {
    return StartAccessUpkeep(config_, counters_.upkeep, services);
  }

  std::string Explain(const http::RequestHead&, const observe::StreamInfo& info) const override {
    const IpAddress& address =
        config_.source == AccessConfig::Source::kPeer ? info.peer : info.client;
    AccessView view(config_.rules);
    const AccessVerdict verdict = view.Judge(address, MonotonicNow());
    return address.ToString() + " is " + Describe(verdict) +
           (config_.dry_run && !verdict.allow ? ", but this is a dry run: it is let in" : "");
  }
  std::string State() const override { return AccessState(config_); }
  std::optional<pipeline::AdminReply> Administer(
      const pipeline::AdminRequest& request) const override {
    if (request.page != "entries") {
      return std::nullopt;
    }
    EntryTable& table = *config_.rules.entries;
    return request.change ? ChangeEntries(table, config_.max_entries, request.body)
                          : ListEntries(table, request.query);
  }

  const AccessConfig& config() const { return config_; }

 private:
  // Keeps nothing of a stream, so one serves all.
  class Gate final : public pipeline::Filter {
   public:
    explicit Gate(const IpAccessDefinition& access) : access_(access) {}
    Action OnRequestHeaders(http::RequestHead&, Stream& stream) override {
      return access_.Judge(stream);
    }

   private:
    const IpAccessDefinition& access_;
  };

  Action Judge(Stream& stream) const {
    const observe::StreamInfo& info = stream.info();
    const bool by_peer = config_.source == AccessConfig::Source::kPeer || info.client_is_peer;
    // No two are the same, also of definitions that come to lie where another lay.
    const uint64_t generation = made_ + AccessView::Version(config_.rules);
    if (by_peer && stream.Recall(this, generation) == Verdict::kAllow) {
      return Allow(stream);
    }
    const AccessVerdict verdict =
        views_[stream.worker()]->Judge(by_peer ? info.peer : info.client, stream.now());
    if (!verdict.allow) {
      return Deny(verdict, stream);
    }
    if (by_peer && (verdict.entry == nullptr || !verdict.entry->HasEnd())) {
      stream.Remember(this, generation, Verdict::kAllow);
    }
    return Allow(stream);
  }

  Action Allow(Stream& stream) const {
    stream.Count(counters_.allowed);
    stream.AddVerdict(name, "allowed");
    return Action::kContinue;
  }

  Action Deny(const AccessVerdict& verdict, Stream& stream) const {
    const observe::StreamInfo& info = stream.info();
    const IpAddress& address =
        config_.source == AccessConfig::Source::kPeer ? info.peer : info.client;
    const std::string why = Describe(verdict);
    Arena& arena = stream.arena();
    if (config_.dry_run) {
      stream.Count(counters_.would_deny);
      stream.AddVerdict(name, arena.Concat("dry run: ", why));
      return Action::kContinue;
    }
    stream.Count(counters_.denied);
    stream.AddVerdict(name, arena.Copy(why));
    return stream.ReplyError(ErrorCode::kDenied, arena.Concat(std::string_view(name), ": ",
                                                              std::string_view(address.ToString()),
                                                              " is ", std::string_view(why)));
  }

  const AccessConfig config_;
  const Counters counters_;
  const uint64_t made_;
  std::vector<std::unique_ptr<AccessView>> views_;  // By worker.
  mutable Gate gate_{*this};
};

Counters MakeCounters(const pipeline::LoadContext& context) {
  Counters out;
  out.allowed = context.Counter("ip_access", "allowed", "Requests let in by their address.");
  out.denied = context.Counter("ip_access", "denied", "Requests refused by their address.");
  out.would_deny = context.Counter("ip_access", "would_deny", "Requests that a dry run let in.");
  out.upkeep.files_read =
      context.Counter("ip_access", "files_read", "How often a file that changed was read anew.");
  out.upkeep.files_failed = context.Counter("ip_access", "files_failed",
                                            "How often a file that changed could not be used.");
  auto& tallies = out.upkeep.tallies;
  tallies[Backlog::kBadLines] =
      context.Counter("ip_access", "bad_lines", "Lines of files that could not be read.");
  tallies[Backlog::kEntriesAdded] = context.Counter(
      "ip_access", "entries_added", "Entries made or replaced over the admin endpoint.");
  tallies[Backlog::kEntriesRemoved] =
      context.Counter("ip_access", "entries_removed", "Entries removed over the admin endpoint.");
  tallies[Backlog::kEntriesExpired] =
      context.Counter("ip_access", "entries_expired", "Entries let go at their end.");
  tallies[Backlog::kEntriesRefused] = context.Counter(
      "ip_access", "entries_refused", "Entries refused because there were too many.");
  tallies[Backlog::kStateWrites] =
      context.Counter("ip_access", "state_writes", "How often entries were written.");
  tallies[Backlog::kStateFailures] = context.Counter(
      "ip_access", "state_failures", "How often entries could not be written, or not be read.");
  return out;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  const auto config_of = [](const pipeline::FilterDefinition* definition) {
    return definition == nullptr ? nullptr
                                 : &static_cast<const IpAccessDefinition*>(definition)->config();
  };
  return std::make_shared<IpAccessDefinition>(
      LoadAccessConfig(in, context, config_of(context.base), config_of(context.previous)),
      context.workers, MakeCounters(context));
}

}  // namespace

pipeline::FilterType IpAccess() {
  return {"ip_access",
          Load,
          "Lets requests in, or denies them, by their address.",
          {"allow: [10.0.0.0/8], allow_file: /dev/null, deny: [192.0.2.0/24], deny_file: "
           "/dev/null, source: client",
           "allow_files: [/dev/null], deny_files: [/dev/null], country: {database: /dev/null, "
           "deny: [KP], allow: [DE], unknown: deny}, dry_run: false, max_entries: 100000"}};
}

}  // namespace gatehouse::filters
