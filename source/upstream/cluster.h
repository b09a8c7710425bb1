// SPDX-License-Identifier: Apache-2.0
// A cluster: its settings, its current endpoints, and the limits that all workers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/tls/client_tls.h"
#include "source/upstream/breaker/settings.h"
#include "source/upstream/cluster_metrics.h"
#include "source/upstream/endpoint.h"

namespace gatehouse::upstream {

enum class BalancePolicy : uint8_t { kRoundRobin, kLeastRequest };

// What is spoken to endpoints. kAuto: what the TLS handshake agrees on, HTTP/1.1 in the clear.
enum class Protocol : uint8_t { kAuto, kHttp1, kHttp2 };

// One `endpoints:` entry, before resolution.
struct EndpointSpec {
  std::string host;   // IP address, hostname, or path of a unix socket.
  uint16_t port = 0;  // 0 for unix sockets.
  bool unix_socket = false;
  bool hostname = false;  // Needs resolving.
  uint32_t weight = 1;
  LabelSet labels;
  friend bool operator==(const EndpointSpec&, const EndpointSpec&) = default;
};

struct ClusterSettings {
  std::string name;
  BalancePolicy policy = BalancePolicy::kRoundRobin;
  std::vector<EndpointSpec> endpoints;
  // Limits over all workers; each hit answers 503 and counts.
  uint32_t max_connections = 1024;
  uint32_t max_pending = 1024;
  uint32_t max_requests = 4096;
  uint32_t max_streams = 100;  // Requests at a time on one connection of HTTP/2.
  Protocol protocol = Protocol::kAuto;
  std::optional<tls::ClientSettings> tls{};  // Without: in the clear.
  Duration connect_timeout{std::chrono::seconds(5)};
  Duration idle_timeout{std::chrono::seconds(60)};  // Of pooled connections.
  // For proxy::Snapshot, which has the breakers.
  BreakerSettings breaker{};
  friend bool operator==(const ClusterSettings&, const ClusterSettings&) = default;
};

// A count that all workers share, with a limit. Any thread.
class SharedLimit {
 public:
  bool TryAcquire(uint32_t limit) {
    if (used_.fetch_add(1, std::memory_order_relaxed) < limit) {
      return true;
    }
    used_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void Release() { used_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> used_{0};
};

// Lives as long as any snapshot names it; a reload keeps the object when name and settings are the
// same, and moves pools by address when they are not. Settings are immutable; endpoints change on
// the control thread and reach workers by message.
class Cluster {
 public:
  // `id` is unique in the process's life and dense: index of per-worker state. Endpoints that need
  // no resolving are members at once. Counts in `metrics`, or nowhere when that is null.
  Cluster(uint32_t id, ClusterSettings settings,
          std::shared_ptr<const observe::MetricBlock> metrics);

  uint32_t id() const { return id_; }
  const std::string& name() const { return settings_.name; }
  const ClusterSettings& settings() const { return settings_; }
  const ClusterSeries& metrics() const { return metrics_; }

  // Control thread. Hostnames' addresses come from `resolved`: one list per spec, unused for the
  // others; what is missing at the end counts as empty. An address that is named twice is one
  // endpoint with the sum of the weights and all the labels (of one key, the first value).
  //
  // Slots of addresses that stay are kept, and one that comes back finds its old one. A newcomer
  // takes a new slot, and only when there are more than twice as many slots as members the one that
  // has been free for longest, never one freed by the same call: what a worker still holds for the
  // address before it must not be taken for the newcomer's.
  void SetEndpoints(const std::vector<std::vector<IpAddress>>& resolved);
  // Any thread: the set of now; never null.
  std::shared_ptr<const EndpointSet> endpoints() const;
  // Bumped with each SetEndpoints(); workers compare it to see whether theirs is current.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // What connections are protected with; null in the clear. Its files have been read, but for those
  // that went bad since they were checked: then nobody is trusted until they are mended.
  tls::ClientTls* tls() const { return tls_.get(); }

  SharedLimit connections;
  SharedLimit pending;
  SharedLimit requests;

 private:
  struct Slot {
    std::string name;    // Of its endpoint, or the latest one.
    uint64_t freed = 0;  // The version without that endpoint; 0 while it is a member.
  };
  std::vector<Endpoint> Members(const std::vector<std::vector<IpAddress>>& resolved) const;
  static constexpr size_t kLookedThrough = 16;

  // The slot that `name` has or had; slots_.size() when it never had one.
  size_t KnownSlot(const std::string& name) const;
  uint32_t SlotFor(const std::string& name, size_t members);
  void FreeSlots(const EndpointSet& now, uint64_t version);

  const uint32_t id_;
  const ClusterSettings settings_;
  const std::shared_ptr<const observe::MetricBlock> metric_block_;
  const ClusterSeries metrics_;
  const std::unique_ptr<tls::ClientTls> tls_;
  std::atomic<uint64_t> version_{0};
  // Control thread.
  std::vector<Slot> slots_;
  // By endpoint name, freed ones included: once there are more than can be looked through.
  Seldom<std::unordered_map<std::string, uint32_t>> slot_of_;
  std::set<std::pair<uint64_t, uint32_t>> free_slots_;  // (freed, slot)
  // Swapped by std::atomic_store(). Not a std::atomic: load() of libstdc++ 12's unlocks relaxed, so
  // that its read of the pointer races with the next store.
  std::shared_ptr<const EndpointSet> set_;
};

}  // namespace gatehouse::upstream
