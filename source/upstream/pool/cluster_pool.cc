// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/pool/cluster_pool.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace gatehouse::upstream {
namespace {

// How long an endpoint that refused a connection is passed over, where others can serve.
constexpr Duration kAvoidAfterFailure = std::chrono::seconds(1);
// How often those who wait for a connection that another worker holds look again.
constexpr Duration kPendingCheck = std::chrono::milliseconds(20);

}  // namespace

ClusterPool::ClusterPool(const IoContext& io, std::shared_ptr<Cluster> cluster, uint64_t seed)
    : io_(io), cluster_(std::move(cluster)), balancer_(cluster_->settings().policy) {
  balancer_.Seed(seed);
}

ClusterPool::~ClusterPool() {
  for (Slot& slot : slots_) {
    for (const std::unique_ptr<Connection>& connection : slot.connections) {
      connection->Abandon();
      cluster_->connections.Release();
      Count(ClusterMetric::kConnectionsActive, -1);
    }
  }
}

bool ClusterPool::BeginRequest() {
  if (!cluster_->requests.TryAcquire(cluster_->settings().max_requests)) {
    Count(ClusterMetric::kOverflowRequests);
    return false;
  }
  ++active_requests_;
  const observe::CellsOf cells(io_.metrics, cluster_->metrics());
  cells.Add(ClusterMetric::kRequests);
  cells.Add(ClusterMetric::kRequestsActive);
  return true;
}

void ClusterPool::EndRequest() {
  --active_requests_;
  Count(ClusterMetric::kRequestsActive, -1);
  cluster_->requests.Release();
  CheckGone();
}

void ClusterPool::Refresh() {
  const uint64_t version = cluster_->version();
  if (version == version_) {
    return;
  }
  version_ = version;
  std::shared_ptr<const EndpointSet> set = cluster_->endpoints();
  if (set->slots > slots_.size()) {
    slots_.resize(set->slots);
    loads_.resize(set->slots);
  }
  // Idle connections to endpoints that left have nobody to serve.
  std::vector<bool> member(slots_.size(), false);
  for (const std::shared_ptr<const Endpoint>& endpoint : set->endpoints) {
    member[endpoint->slot] = true;
  }
  balancer_.Use(std::move(set));
  for (size_t i = 0; i < slots_.size(); ++i) {
    while (!member[i] && !slots_[i].idle.empty()) {
      Connection& connection = *slots_[i].idle.back();
      connection.Abandon();
      Forget(connection);
    }
  }
}

std::shared_ptr<const Endpoint> ClusterPool::Pick(const LabelSet& labels,
                                                  std::span<const uint32_t> tried) {
  Refresh();
  return balancer_.Pick(labels, tried, loads_, io_.loop.now());
}

ClusterPool::Slot& ClusterPool::SlotOf(const Endpoint& endpoint) { return slots_[endpoint.slot]; }

void ClusterPool::AddLoad(const Endpoint& endpoint, int change) {
  loads_[endpoint.slot].in_flight += static_cast<uint32_t>(change);
}

Connection* ClusterPool::Acquire(std::shared_ptr<const Endpoint> endpoint, Waiter& waiter,
                                 bool fresh) {
  Slot& slot = SlotOf(*endpoint);
  if (!fresh && !slot.idle.empty()) {
    Connection* connection = slot.idle.back();
    slot.idle.pop_back();
    return connection;
  }
  waiter.wanted_ = endpoint;
  if (pending_.empty() && Open(endpoint, waiter)) {
    return nullptr;
  }
  Enqueue(waiter);
  return nullptr;
}

bool ClusterPool::Open(const std::shared_ptr<const Endpoint>& endpoint, Waiter& waiter) {
  const ClusterSettings& settings = cluster_->settings();
  if (!cluster_->connections.TryAcquire(settings.max_connections)) {
    // An idle connection to another endpoint must not keep this one out.
    if (!CloseAnyIdle() || !cluster_->connections.TryAcquire(settings.max_connections)) {
      return false;
    }
  }
  ++open_;
  Count(ClusterMetric::kConnectionsOpened);
  Count(ClusterMetric::kConnectionsActive);
  Slot& slot = SlotOf(*endpoint);
  Connection::Owner& owner = *this;
  slot.connections.push_back(std::make_unique<Connection>(io_, endpoint, owner));
  Connection& connection = *slot.connections.back();
  connection.index = slot.connections.size() - 1;
  connection.waiter = &waiter;
  waiter.connecting_ = &connection;
  connection.Connect(settings.connect_timeout);
  return true;
}

bool ClusterPool::CloseAnyIdle() {
  for (Slot& slot : slots_) {
    if (!slot.idle.empty()) {
      Connection& connection = *slot.idle.front();
      connection.Abandon();
      Forget(connection);
      return true;
    }
  }
  return false;
}

void ClusterPool::Enqueue(Waiter& waiter) {
  const ClusterSettings& settings = cluster_->settings();
  waiter.queued_ = true;
  // A waiter without a place is told from the loop, like every other.
  const bool admitted = cluster_->pending.TryAcquire(settings.max_pending);
  Count(ClusterMetric::kOverflowConnections);
  waiter.give_up_ = admitted ? io_.loop.now() + settings.connect_timeout : MonotonicTime{};
  if (admitted) {
    Count(ClusterMetric::kPendingActive);
  } else {
    Count(ClusterMetric::kOverflowPending);
  }
  pending_.push_back(&waiter);
  io_.loop.deadlines().ArmAfter(*this, admitted ? kPendingCheck : Duration(0));
}

void ClusterPool::Dequeue(Waiter& waiter) {
  if (waiter.give_up_ != MonotonicTime{}) {
    cluster_->pending.Release();
    Count(ClusterMetric::kPendingActive, -1);
  }
  waiter.queued_ = false;
  pending_.remove(&waiter);
}

void ClusterPool::Cancel(Waiter& waiter) {
  if (waiter.queued_) {
    Dequeue(waiter);
  }
  if (waiter.connecting_ != nullptr) {
    // The connection goes on and serves somebody else.
    waiter.connecting_->waiter = nullptr;
    waiter.connecting_ = nullptr;
  }
}

void ClusterPool::OnConnected(Connection& connection) {
  auto* waiter = static_cast<Waiter*>(connection.waiter);
  connection.waiter = nullptr;
  if (waiter == nullptr) {
    OnConnectionIdle(connection);
    return;
  }
  waiter->connecting_ = nullptr;
  waiter->OnConnection(connection);
}

void ClusterPool::OnConnectionIdle(Connection& connection) {
  if (retired_) {
    connection.Abandon();
    Forget(connection);
    CheckGone();
    return;
  }
  const auto wants = std::find_if(pending_.begin(), pending_.end(), [&](const Waiter* waiter) {
    return waiter->give_up_ != MonotonicTime{} &&
           waiter->wanted_->slot == connection.endpoint().slot;
  });
  if (wants != pending_.end()) {
    Waiter& waiter = **wants;
    Dequeue(waiter);
    waiter.OnConnection(connection);
    return;
  }
  SlotOf(connection.endpoint()).idle.push_back(&connection);
  connection.Park(cluster_->settings().idle_timeout);
  if (!pending_.empty()) {
    ServePending();
  } else {
    WatchOthers();
  }
}

// At the limit, a connection parked here may be what another worker waits for.
void ClusterPool::WatchOthers() {
  if (cluster_->connections.used() >= cluster_->settings().max_connections && !armed()) {
    io_.loop.deadlines().ArmAfter(*this, kPendingCheck);
  }
}

void ClusterPool::OnConnectionLost(Connection& connection, const Error* connect_error) {
  auto* waiter = static_cast<Waiter*>(connection.waiter);
  const std::shared_ptr<const Endpoint> endpoint = waiter != nullptr ? waiter->wanted_ : nullptr;
  if (connect_error != nullptr) {
    Count(connect_error->code == ErrorCode::kConnectTimeout ? ClusterMetric::kConnectTimeouts
                                                            : ClusterMetric::kConnectFailures);
    loads_[connection.endpoint().slot].avoid_until = io_.loop.now() + kAvoidAfterFailure;
  }
  Forget(connection);
  if (waiter != nullptr) {
    waiter->connecting_ = nullptr;
    waiter->OnNoConnection(*connect_error);
  }
  ServePending();
  CheckGone();
}

void ClusterPool::Forget(Connection& connection) {
  Slot& slot = SlotOf(connection.endpoint());
  std::erase(slot.idle, &connection);
  std::unique_ptr<Connection> doomed = std::move(slot.connections[connection.index]);
  if (doomed.get() != slot.connections.back().get() && slot.connections.back() != nullptr) {
    slot.connections[connection.index] = std::move(slot.connections.back());
    slot.connections[connection.index]->index = connection.index;
  }
  slot.connections.pop_back();
  io_.loop.DeleteLater(std::move(doomed));
  --open_;
  cluster_->connections.Release();
  Count(ClusterMetric::kConnectionsActive, -1);
}

void ClusterPool::ServePending() {
  while (!pending_.empty()) {
    Waiter& waiter = *pending_.front();
    const std::shared_ptr<const Endpoint> endpoint = waiter.wanted_;
    if (waiter.give_up_ == MonotonicTime{} || !Open(endpoint, waiter)) {
      return;
    }
    Dequeue(waiter);
  }
}

void ClusterPool::OnDeadline() {
  const MonotonicTime now = io_.loop.now();
  std::vector<Waiter*> late;
  for (Waiter* waiter : pending_) {
    if (waiter->give_up_ <= now) {
      late.push_back(waiter);
    }
  }
  for (Waiter* waiter : late) {
    // One answer may cancel another waiter.
    if (std::find(pending_.begin(), pending_.end(), waiter) == pending_.end()) {
      continue;
    }
    const bool admitted = waiter->give_up_ != MonotonicTime{};
    Dequeue(*waiter);
    waiter->OnNoConnection({ErrorCode::kOverloaded, ErrorSource::kUpstream,
                            "cluster " + cluster_->name() +
                                (admitted ? ": no connection became free in time"
                                          : ": max_connections and max_pending reached")});
  }
  ServePending();
  if (!pending_.empty()) {
    io_.loop.deadlines().ArmAfter(*this, kPendingCheck);
  } else if (cluster_->pending.used() == 0 || CloseAnyIdle()) {
    const bool idle = std::any_of(slots_.begin(), slots_.end(),
                                  [](const Slot& slot) { return !slot.idle.empty(); });
    if (idle) {
      WatchOthers();
    }
  }
  CheckGone();
}

void ClusterPool::Retire(std::function<void()> gone) {
  gone_ = std::move(gone);
  retired_ = true;
  for (Slot& slot : slots_) {
    while (!slot.idle.empty()) {
      Connection& connection = *slot.idle.back();
      connection.Abandon();
      Forget(connection);
    }
  }
  CheckGone();
}

void ClusterPool::CheckGone() {
  if (gone_ && unused()) {
    io_.loop.Post(gone_);
  }
}

}  // namespace gatehouse::upstream
