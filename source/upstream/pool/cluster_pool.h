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
#include "source/upstream/balance/balancer.h"
#include "source/upstream/cluster.h"
#include "source/upstream/pool/connection.h"

namespace gatehouse::upstream {

// Somebody who asked for a connection. Gets exactly one of the two calls, never from inside
// Acquire(), unless cancelled.
class Waiter {
 public:
  virtual void OnConnection(Connection& connection) = 0;
  virtual void OnNoConnection(const Error& error) = 0;

 protected:
  ~Waiter() = default;
  // Whether it waits because of the cluster's limits, and none is being opened for it.
  bool queued() const { return queued_; }

 private:
  friend class ClusterPool;
  std::shared_ptr<const Endpoint> wanted_;
  Connection* connecting_ = nullptr;
  MonotonicTime give_up_{};
  bool queued_ = false;
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

  // A free connection to `endpoint`, or null: then `waiter` is called later. `fresh`: not one that
  // was used before.
  Connection* Acquire(std::shared_ptr<const Endpoint> endpoint, Waiter& waiter, bool fresh);
  void Cancel(Waiter& waiter);

  void CountNoEndpoint() { Count(ClusterMetric::kNoEndpoint); }
  void CountRepeat() { Count(ClusterMetric::kRetriesReused); }
  void CountReset() { Count(ClusterMetric::kResets); }
  void CountResponseTimeout() { Count(ClusterMetric::kResponseTimeouts); }

  // A request on `endpoint` begins or ends: what least_request counts.
  void AddLoad(const Endpoint& endpoint, int change);

  // Closes idle connections; the others go when their stream ends. `gone` runs, from the loop, each
  // time nobody uses the pool any more. By then somebody may again, who still holds the
  // configuration that named the cluster: ask unused().
  void Retire(std::function<void()> gone);
  bool retired() const { return retired_; }
  // No connection, nobody who waits for one, no request.
  bool unused() const { return open_ == 0 && pending_.empty() && active_requests_ == 0; }

 private:
  struct Slot {
    std::vector<std::unique_ptr<Connection>> connections;
    std::vector<Connection*> idle;  // Last in, first out: the warm ones stay in use.
  };

  void OnConnected(Connection& connection) override;
  void OnConnectionLost(Connection& connection, const Error* connect_error) override;
  void OnConnectionIdle(Connection& connection) override;
  void OnDeadline() override;

  void Count(ClusterMetric metric, int64_t amount = 1) {
    io_.metrics.Add(cluster_->metrics()[metric], amount);
  }
  Slot& SlotOf(const Endpoint& endpoint);
  void Refresh();
  bool Open(const std::shared_ptr<const Endpoint>& endpoint, Waiter& waiter);
  bool CloseAnyIdle();
  void Enqueue(Waiter& waiter);
  void Dequeue(Waiter& waiter);
  void ServePending();
  void WatchOthers();
  void Forget(Connection& connection);
  void CheckGone();

  const IoContext& io_;
  const std::shared_ptr<Cluster> cluster_;
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
