// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/cluster.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "source/base/log.h"

namespace gatehouse::upstream {
namespace {

uint32_t AddWeights(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(uint64_t{a} + b, std::numeric_limits<uint32_t>::max()));
}

// Adds the labels whose keys `into` lacks; both sorted.
void MergeLabels(LabelSet& into, const LabelSet& from) {
  for (const auto& label : from) {
    const auto at =
        std::lower_bound(into.begin(), into.end(), label.first,
                         [](const auto& have, const std::string& key) { return have.first < key; });
    if (at == into.end() || at->first != label.first) {
      into.insert(at, label);
    }
  }
}

std::vector<event::SocketAddress> AddressesOf(const EndpointSpec& spec,
                                              const std::vector<IpAddress>& resolved) {
  std::vector<event::SocketAddress> out;
  if (spec.unix_socket) {
    if (const auto address = event::SocketAddress::FromUnixPath(spec.host)) {
      out.push_back(*address);
    }
  } else if (!spec.hostname) {
    if (const std::optional<IpAddress> ip = ParseIp(spec.host)) {
      out.push_back(event::SocketAddress::FromIp(*ip, spec.port));
    }
  } else {
    for (const IpAddress& ip : resolved) {
      out.push_back(event::SocketAddress::FromIp(ip, spec.port));
    }
  }
  return out;
}

std::unique_ptr<tls::ClientTls> TlsOf(const ClusterSettings& settings) {
  if (!settings.tls) {
    return nullptr;
  }
  auto out = std::make_unique<tls::ClientTls>(*settings.tls);
  if (const Result<void> loaded = out->Load(); !loaded) {
    log::Error("the files of a cluster's tls can't be used",
               {{"cluster", settings.name}, {"error", loaded.error().message}});
  }
  return out;
}

bool Same(const Endpoint& a, const Endpoint& b) {
  return a.slot == b.slot && a.name == b.name && *a.hostname == *b.hostname &&
         a.weight == b.weight && a.labels == b.labels;
}

}  // namespace

Cluster::Cluster(uint32_t id, ClusterSettings settings,
                 std::shared_ptr<const observe::MetricBlock> metrics)
    : id_(id),
      settings_(std::move(settings)),
      metric_block_(std::move(metrics)),
      metrics_(metric_block_ == nullptr ? ClusterSeries() : ClusterSeries(*metric_block_)),
      tls_(TlsOf(settings_)) {
  SetEndpoints({});
}

std::vector<Endpoint> Cluster::Members(const std::vector<std::vector<IpAddress>>& resolved) const {
  static const std::vector<IpAddress> kNone;
  std::vector<Endpoint> members;
  std::unordered_map<std::string, size_t> index;
  for (size_t i = 0; i < settings_.endpoints.size(); ++i) {
    const EndpointSpec& spec = settings_.endpoints[i];
    for (const auto& address : AddressesOf(spec, i < resolved.size() ? resolved[i] : kNone)) {
      std::string name = address.ToString();
      const auto [at, is_new] = index.try_emplace(name, members.size());
      if (is_new) {
        using Hostname = Seldom<std::string>;
        members.push_back({0, address, std::move(name),
                           spec.hostname ? Hostname(spec.host) : Hostname(), spec.weight,
                           spec.labels});
      } else {
        Endpoint& same = members[at->second];
        same.weight = AddWeights(same.weight, spec.weight);
        MergeLabels(same.labels, spec.labels);
      }
    }
  }
  return members;
}

size_t Cluster::KnownSlot(const std::string& name) const {
  if (slot_of_.has_value()) {
    const auto known = slot_of_->find(name);
    return known == slot_of_->end() ? slots_.size() : known->second;
  }
  const auto at = std::find_if(slots_.begin(), slots_.end(),
                               [&](const Slot& slot) { return slot.name == name; });
  return static_cast<size_t>(at - slots_.begin());
}

uint32_t Cluster::SlotFor(const std::string& name, size_t members) {
  if (const size_t known = KnownSlot(name); known < slots_.size()) {
    const auto at = static_cast<uint32_t>(known);
    free_slots_.erase({slots_[at].freed, at});
    slots_[at].freed = 0;
    return at;
  }
  auto slot = static_cast<uint32_t>(slots_.size());
  if (slots_.size() > 2 * members && !free_slots_.empty()) {
    slot = free_slots_.begin()->second;
    free_slots_.erase(free_slots_.begin());
    if (slot_of_.has_value()) {
      slot_of_.Edit().erase(slots_[slot].name);
    }
  }
  if (slot == slots_.size()) {
    slots_.emplace_back();
  }
  slots_[slot] = {name, 0};
  if (slot_of_.has_value()) {
    slot_of_.Edit()[name] = slot;
  } else if (slots_.size() > kLookedThrough) {
    for (uint32_t i = 0; i < slots_.size(); ++i) {
      slot_of_.Edit()[slots_[i].name] = i;
    }
  }
  return slot;
}

void Cluster::FreeSlots(const EndpointSet& now, uint64_t version) {
  std::vector<bool> used(slots_.size());
  for (const auto& endpoint : now.endpoints) {
    used[endpoint->slot] = true;
  }
  for (uint32_t slot = 0; slot < slots_.size(); ++slot) {
    if (!used[slot] && slots_[slot].freed == 0) {
      slots_[slot].freed = version;
      free_slots_.emplace(version, slot);
    }
  }
}

void Cluster::SetEndpoints(const std::vector<std::vector<IpAddress>>& resolved) {
  const uint64_t version = version_.load(std::memory_order_relaxed) + 1;
  const std::shared_ptr<const EndpointSet> before = endpoints();
  std::unordered_map<std::string_view, const std::shared_ptr<const Endpoint>*> old;
  if (before != nullptr) {
    for (const auto& endpoint : before->endpoints) {
      old.emplace(endpoint->name, &endpoint);
    }
  }
  auto set = std::make_shared<EndpointSet>();
  std::vector<Endpoint> members = Members(resolved);
  for (Endpoint& member : members) {
    member.slot = SlotFor(member.name, members.size());
    const auto same = old.find(member.name);
    set->endpoints.push_back(same != old.end() && Same(**same->second, member)
                                 ? *same->second
                                 : std::make_shared<const Endpoint>(std::move(member)));
    set->slots = std::max(set->slots, set->endpoints.back()->slot + 1);
  }
  FreeSlots(*set, version);  // After the newcomers took theirs: they must not get these.
  std::atomic_store(&set_, std::shared_ptr<const EndpointSet>(std::move(set)));
  version_.store(version, std::memory_order_release);
}

std::shared_ptr<const EndpointSet> Cluster::endpoints() const { return std::atomic_load(&set_); }

}  // namespace gatehouse::upstream
