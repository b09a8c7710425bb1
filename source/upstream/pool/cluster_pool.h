// SPDX-License-Identifier: Apache-2.0
// One worker's view of a cluster: which endpoint is next, which connections are free, who waits.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "source/event/deadline.h"
#include "source/tls/client_sessions.h"
#include "source/upstream/balance/balancer.h"
#include "source/upstream/cluster.h"
#include "source/upstream/pool/connection.h"
#include "source/upstream/pool/waiter.h"

namespace gatehouse::upstream {

// What a connection must be besides free.
struct Wanted {
  bool fresh = false;                  // Not one that was used before.
  bool upgrade = false;                // It is for a request with RequestHead::upgrade.
  const Connection* except = nullptr;  // Not this one, which may be gone.
};

// Worker thread only. Limits are the cluster's, shared by all workers.
class ClusterPool final : private Connection::Owner, private event::Deadline {
 public:
  ClusterPool(const IoContext& io, std::shared_ptr<Cluster> cluster, uint64_t seed);
  ~ClusterPool();

  const Cluster& cluster() const { return *cluster_; }

  // Counts a request in, or refuses it past max_requests. Each success is paired with one
  // EndRequest().
  bool BeginRequest();
  void EndRequest();

  // An endpoint for the next attempt; null when none carries `labels` and is untried.
  std::shared_ptr<const Endpoint> Pick(const LabelSet& labels, std::span<const uint32_t> tried);

  // A connection to `endpoint` on which a request can start within the caller's call, or null: then
  // `waiter` is called later.
  Connection* Acquire(std::shared_ptr<const Endpoint> endpoint, Waiter& waiter,
                      const Wanted& wanted);
  void Cancel(Waiter& waiter);

  void CountNoEndpoint() { Count(ClusterMetric::kNoEndpoint); }
  void CountRepeat() { Count(ClusterMetric::kRetriesReused); }
  void CountUnprocessed() { Count(ClusterMetric::kRetriesUnprocessed); }
  void CountReset() { Count(ClusterMetric::kResets); }
  void CountResponseTimeout() { Count(ClusterMetric::kResponseTimeouts); }

  // A request on `endpoint` begins or ends: what least_request counts.
  void AddLoad(const Endpoint& endpoint, int change);

  // Closes idle connections; the others go when their streams end. `gone` runs, from the loop, each
  // time nobody uses the pool any more. By then somebody may again, who still holds the
  // configuration that named the cluster: ask unused().
  void Retire(std::function<void()> gone);
  bool retired() const { return retired_; }
  // No connection, nobody who waits for one, no request.
  bool unused() const { return open_ == 0 && pending_.empty() && active_requests_ == 0; }

 private:
  // What is known of an endpoint. Forgotten with the endpoint, and mended by each new connection.
  enum class Speaks : uint8_t { kUnknown, kHttp1, kHttp2 };
  struct Slot {
    std::vector<std::unique_ptr<Connection>> connections;
    // Those on which another stream can start. Last in, first out: the warm ones stay in use, and
    // of several with HTTP/2 one is filled before the next gets any.
    std::vector<Connection*> free;
    uint32_t max_streams = UINT32_MAX;  // That it allowed on a connection of late.
    Speaks speaks = Speaks::kUnknown;
  };

  std::unique_ptr<event::SocketLayer> NewLayer(Connection& connection) override;
  void OnConnected(Connection& connection) override;
  void OnConnectionLost(Connection& connection, const Error* connect_error) override;
  void OnConnectionFree(Connection& connection) override;
  void OnConnectionSettled(Connection& connection) override;
  void OnDeadline() override;

  void Count(ClusterMetric metric, int64_t amount = 1) {
    io_.metrics.Add(cluster_->metrics()[metric], amount);
  }
  Slot& SlotOf(const Endpoint& endpoint) { return slots_[endpoint.slot]; }
  Speaks SpeaksOf(const Slot& slot) const {
    return speaks_ == Speaks::kUnknown ? slot.speaks : speaks_;
  }
  void Refresh();
  void DropLeavers(const EndpointSet& members);
  Connection* TakeFree(Slot& slot, const Wanted& wanted);
  // Finds `waiter` a connection that is being opened, opens one for it, or lets it wait in line.
  void Place(Waiter& waiter);
  bool Join(Waiter& waiter);
  bool Open(Waiter& waiter);
  bool CloseAnyIdle();
  void Close(Connection& connection);
  void List(Connection& connection);
  void Unlist(Connection& connection);
  void Enqueue(Waiter& waiter);
  void Dequeue(Waiter& waiter);
  bool TakesNoUpgrades(const Slot& slot) const;
  void Refuse(Waiter& waiter);
  void ServeWaiters(Connection& connection);
  void ServePending(Connection& connection);
  void ServePending();
  void WatchOthers();
  void Forget(Connection& connection);
  void CheckGone();

  const IoContext& io_;
  const std::shared_ptr<Cluster> cluster_;
  const ConnectionTerms terms_;
  // What all endpoints speak; kUnknown: what each says in the handshake.
  const Speaks speaks_;
  tls::ClientSessions sessions_;  // Outlives the connections.
  Balancer balancer_;
  uint64_t version_ = 0;
  std::vector<SlotLoad> loads_;
  std::vector<Slot> slots_;
  std::list<Waiter*> pending_;  // First come, first served.
  size_t open_ = 0;
  size_t active_requests_ = 0;
  std::function<void()> gone_;
  bool retired_ = false;
};

}  // namespace gatehouse::upstream
