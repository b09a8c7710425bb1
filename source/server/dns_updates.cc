// SPDX-License-Identifier: Apache-2.0
#include "source/server/dns_updates.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "source/base/log.h"

namespace gatehouse::server {

// One cluster with hostnames.
struct DnsUpdates::Followed {
  struct Host {
    std::unique_ptr<upstream::HostWatch> watch;  // Null for endpoints that are addresses already.
    bool answered = false;
    std::string error;
  };
  std::shared_ptr<upstream::Cluster> cluster;
  std::vector<std::vector<IpAddress>> resolved;  // By endpoint of the settings, as are the hosts.
  std::vector<Host> hosts;
  bool changed = false;
};

// Somebody waits for first answers, for a bounded time.
class DnsUpdates::Wait final : private event::Deadline {
 public:
  Wait(DnsUpdates& owner, Duration limit, std::function<void()> ready)
      : ready(std::move(ready)), owner_(owner) {
    owner.control_.deadlines().ArmAfter(*this, limit);
  }
  std::function<void()> ready;

 private:
  void OnDeadline() override { owner_.EndWait(); }
  DnsUpdates& owner_;
};

DnsUpdates::DnsUpdates(event::Loop& control, upstream::Resolver& resolver)
    : control_(control), resolver_(resolver) {}

DnsUpdates::~DnsUpdates() = default;

void DnsUpdates::Follow(const Clusters& clusters, Duration limit, std::function<void()> ready) {
  for (const auto& cluster : clusters) {
    Add(cluster);
  }
  wait_ = std::make_unique<Wait>(*this, limit, std::move(ready));
  if (AllAnswered()) {
    control_.Post([this] {
      if (wait_ != nullptr && AllAnswered()) {
        EndWait();
      }
    });
  }
}

void DnsUpdates::Add(const std::shared_ptr<upstream::Cluster>& cluster) {
  const std::vector<upstream::EndpointSpec>& specs = cluster->settings().endpoints;
  const bool none = std::none_of(specs.begin(), specs.end(),
                                 [](const upstream::EndpointSpec& spec) { return spec.hostname; });
  if (none || followed_.contains(cluster.get())) {
    return;
  }
  auto followed = std::make_unique<Followed>();
  followed->cluster = cluster;
  followed->resolved.resize(specs.size());
  followed->hosts.resize(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].hostname) {
      followed->hosts[i].watch = resolver_.Watch(
          specs[i].host, [this, target = followed.get(), i](const std::vector<IpAddress>& addresses,
                                                            const Error* error) {
            OnAnswer(*target, i, addresses, error);
          });
    }
  }
  followed_.emplace(cluster.get(), std::move(followed));
}

void DnsUpdates::OnAnswer(Followed& followed, size_t spec, const std::vector<IpAddress>& addresses,
                          const Error* error) {
  Followed::Host& host = followed.hosts[spec];
  const std::string why = error == nullptr ? "" : error->message;
  if (why != host.error && !why.empty()) {
    log::Warning("can't resolve a hostname",
                 {{"cluster", followed.cluster->name()},
                  {"host", followed.cluster->settings().endpoints[spec].host},
                  {"error", why},
                  {"addresses_kept", addresses.size()}});
  }
  host.error = why;
  host.answered = true;
  if (followed.resolved[spec] != addresses) {
    followed.resolved[spec] = addresses;
    followed.changed = true;
    if (!armed()) {
      control_.deadlines().ArmAfter(*this, kGather);
    }
  }
  if (wait_ != nullptr && AllAnswered()) {
    EndWait();
  }
}

void DnsUpdates::Apply() {
  for (const auto& [key, followed] : followed_) {
    if (std::exchange(followed->changed, false)) {
      followed->cluster->SetEndpoints(followed->resolved);
      log::Debug("endpoints changed",
                 {{"cluster", followed->cluster->name()},
                  {"endpoints", followed->cluster->endpoints()->endpoints.size()}});
    }
  }
}

bool DnsUpdates::AllAnswered() const {
  return std::all_of(followed_.begin(), followed_.end(), [](const auto& entry) {
    const std::vector<Followed::Host>& hosts = entry.second->hosts;
    return std::all_of(hosts.begin(), hosts.end(), [](const Followed::Host& host) {
      return host.watch == nullptr || host.answered;
    });
  });
}

void DnsUpdates::EndWait() {
  Disarm();
  Apply();
  const std::unique_ptr<Wait> wait = std::move(wait_);
  wait->ready();
}

void DnsUpdates::Keep(const Clusters& clusters) {
  std::unordered_set<const upstream::Cluster*> kept;
  for (const auto& cluster : clusters) {
    kept.insert(cluster.get());
  }
  std::erase_if(followed_, [&](const auto& entry) { return !kept.contains(entry.first); });
}

std::vector<admin::ResolvedHost> DnsUpdates::Hosts(const upstream::Cluster& cluster) const {
  std::vector<admin::ResolvedHost> out;
  const auto at = followed_.find(&cluster);
  if (at == followed_.end()) {
    return out;
  }
  const Followed& followed = *at->second;
  for (size_t i = 0; i < followed.hosts.size(); ++i) {
    if (followed.hosts[i].watch == nullptr) {
      continue;
    }
    admin::ResolvedHost host;
    host.hostname = cluster.settings().endpoints[i].host;
    for (const IpAddress& address : followed.resolved[i]) {
      host.addresses.push_back(address.ToString());
    }
    host.error = followed.hosts[i].error;
    out.push_back(std::move(host));
  }
  return out;
}

}  // namespace gatehouse::server
