// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/pool/cluster_pool.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace gatehouse::upstream {
namespace {

// How long an endpoint that refused a connection is passed over, where others can serve.
constexpr Duration kAvoidAfterFailure = std::chrono::seconds(1);
// Of silence, while streams are under way: then HTTP/2 is asked whether it is still there. Servers
// of gRPC take it amiss when that comes more often (its "too many pings", 5 minutes).
constexpr Duration kPingInterval = std::chrono::seconds(305);

// Endpoints are no attackers, and one connection serves many clients: what an endpoint does to
// single streams is its own affair, and only what would cost without end is limited.
void SetEndpointLimits(http::Http2Limits& limits) {
  limits.ping_interval = kPingInterval;
  limits.max_resets = UINT32_MAX;
  limits.max_pings = 10'000;
  limits.max_settings = 1'000;
  limits.max_empty_frames = 100'000;
  limits.max_priority_frames = 100'000;
  limits.max_window_updates = 1'000'000;
}

ConnectionTerms TermsOf(const ClusterSettings& settings) {
  ConnectionTerms out;
  out.protocol = settings.protocol;
  out.max_streams = settings.max_streams;
  out.connect_timeout = settings.connect_timeout;
  SetEndpointLimits(out.limits.http2);
  return out;
}

}  // namespace

ClusterPool::ClusterPool(const IoContext& io, std::shared_ptr<Cluster> cluster, uint64_t seed)
    : io_(io),
      cluster_(std::move(cluster)),
      terms_(TermsOf(cluster_->settings())),
      speaks_(terms_.protocol == Protocol::kHttp2                                ? Speaks::kHttp2
              : terms_.protocol == Protocol::kAuto && cluster_->tls() != nullptr ? Speaks::kUnknown
                                                                                 : Speaks::kHttp1),
      balancer_(cluster_->settings().policy) {
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
  DropLeavers(*set);
  balancer_.Use(std::move(set));
}

// Connections to endpoints that left have nobody to serve but those who are under way on them. Nor
// must they be taken for connections to whoever got the slot since.
void ClusterPool::DropLeavers(const EndpointSet& members) {
  std::vector<const Endpoint*> member(slots_.size(), nullptr);
  for (const std::shared_ptr<const Endpoint>& endpoint : members.endpoints) {
    member[endpoint->slot] = endpoint.get();
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    for (size_t at = slot.connections.size(); at-- > 0;) {
      Connection& connection = *slot.connections[at];
      if (member[i] != nullptr && member[i]->name == connection.endpoint().name) {
        continue;
      }
      slot.speaks = Speaks::kUnknown;
      slot.max_streams = UINT32_MAX;
      if (connection.listed && connection.streams() == 0 && connection.waiters.empty()) {
        Close(connection);
      } else {
        connection.leaving = true;
        Unlist(connection);
      }
    }
  }
}

std::shared_ptr<const Endpoint> ClusterPool::Pick(const LabelSet& labels,
                                                  std::span<const uint32_t> tried) {
  Refresh();
  return balancer_.Pick(labels, tried, loads_, io_.loop.now());
}

void ClusterPool::AddLoad(const Endpoint& endpoint, int change) {
  loads_[endpoint.slot].in_flight += static_cast<uint32_t>(change);
}

Connection* ClusterPool::Acquire(std::shared_ptr<const Endpoint> endpoint, Waiter& waiter,
                                 const Wanted& wanted) {
  Slot& slot = SlotOf(*endpoint);
  if (!wanted.fresh) {
    if (Connection* connection = TakeFree(slot, wanted)) {
      return connection;
    }
  }
  waiter.wanted_ = std::move(endpoint);
  waiter.upgrade_ = wanted.upgrade && SpeaksOf(slot) != Speaks::kHttp1;
  Place(waiter);
  return nullptr;
}

Connection* ClusterPool::TakeFree(Slot& slot, const Wanted& wanted) {
  for (size_t i = slot.free.size(); i-- > 0;) {
    Connection& connection = *slot.free[i];
    if (&connection == wanted.except || !connection.CanStart() ||
        (wanted.upgrade && !connection.CanUpgrade())) {
      continue;
    }
    if (connection.streams() + 1 == connection.limit()) {
      connection.listed = false;
      slot.free.erase(slot.free.begin() + static_cast<ptrdiff_t>(i));
    }
    return &connection;
  }
  return nullptr;
}

bool ClusterPool::Open(Waiter& waiter) {
  const uint32_t most = cluster_->settings().max_connections;
  if (!cluster_->connections.TryAcquire(most)) {
    // An idle connection to another endpoint must not keep this one out.
    if (!CloseAnyIdle() || !cluster_->connections.TryAcquire(most)) {
      return false;
    }
  }
  ++open_;
  Count(ClusterMetric::kConnectionsOpened);
  Count(ClusterMetric::kConnectionsActive);
  Slot& slot = SlotOf(*waiter.wanted_);
  Connection::Owner& owner = *this;
  const bool http1_only = waiter.upgrade_ && terms_.protocol == Protocol::kAuto;
  slot.connections.push_back(
      std::make_unique<Connection>(io_, waiter.wanted_, owner, terms_, http1_only));
  Connection& connection = *slot.connections.back();
  connection.index = slot.connections.size() - 1;
  connection.expected_streams = slot.max_streams;
  connection.waiters.Add(waiter);
  waiter.connection_ = &connection;
  connection.Connect();
  return true;
}

bool ClusterPool::CloseAnyIdle() {
  for (Slot& slot : slots_) {
    for (Connection* connection : slot.free) {
      if (connection->streams() == 0 && connection->waiters.empty()) {
        Close(*connection);
        return true;
      }
    }
  }
  return false;
}

void ClusterPool::Close(Connection& connection) {
  connection.Abandon();
  Forget(connection);
}

void ClusterPool::List(Connection& connection) {
  if (!connection.listed) {
    connection.listed = true;
    SlotOf(connection.endpoint()).free.push_back(&connection);
  }
}

void ClusterPool::Unlist(Connection& connection) {
  if (connection.listed) {
    connection.listed = false;
    std::erase(SlotOf(connection.endpoint()).free, &connection);
  }
}

// ---- Connections' news ----

std::unique_ptr<event::SocketLayer> ClusterPool::NewLayer(Connection& connection) {
  const tls::ClientTls* const tls = cluster_->tls();
  if (tls == nullptr) {
    return nullptr;
  }
  const Endpoint& endpoint = connection.endpoint();
  const bool http1 = connection.http1_only() || terms_.protocol == Protocol::kHttp1;
  const std::string_view alpn = http1                                 ? tls::kAlpnHttp1
                                : terms_.protocol == Protocol::kHttp2 ? tls::kAlpnHttp2
                                                                      : tls::kAlpnAny;
  return tls->NewLayer(io_.buffers, {endpoint.name, *endpoint.hostname, endpoint.address.ip()},
                       alpn, sessions_);
}

void ClusterPool::OnConnected(Connection& connection) {
  if (connection.http2()) {
    Count(ClusterMetric::kHttp2Connections);
  }
  if (!connection.http1_only() && !connection.leaving) {
    SlotOf(connection.endpoint()).speaks = connection.http2() ? Speaks::kHttp2 : Speaks::kHttp1;
  }
  ServeWaiters(connection);
  if (!connection.lost() && connection.streams() < connection.limit()) {
    OnConnectionFree(connection);
  }
}

void ClusterPool::OnConnectionFree(Connection& connection) {
  const bool idle = connection.streams() == 0 && connection.waiters.empty();
  if (idle && (retired_ || connection.leaving)) {
    Close(connection);
    CheckGone();
    return;
  }
  if (!connection.leaving) {
    ServePending(connection);
  }
  if (connection.lost()) {
    return;
  }
  if (connection.leaving || connection.streams() >= connection.limit()) {
    Unlist(connection);
    return;
  }
  List(connection);
  if (connection.streams() > 0) {
    return;
  }
  connection.Park(cluster_->settings().idle_timeout);
  if (!pending_.empty()) {
    ServePending();
  } else {
    WatchOthers();
  }
}

void ClusterPool::OnConnectionLost(Connection& connection, const Error* connect_error) {
  if (connect_error != nullptr) {
    Count(connect_error->code == ErrorCode::kConnectTimeout ? ClusterMetric::kConnectTimeouts
                                                            : ClusterMetric::kConnectFailures);
    loads_[connection.endpoint().slot].avoid_until = io_.loop.now() + kAvoidAfterFailure;
  }
  Forget(connection);
  while (Waiter* waiter = connection.waiters.first()) {
    connection.waiters.Remove(*waiter);
    waiter->connection_ = nullptr;
    waiter->OnNoConnection(
        connect_error != nullptr
            ? *connect_error
            : Error{ErrorCode::kConnectFailed, ErrorSource::kUpstream,
                    connection.endpoint().name + " closed the connection before its SETTINGS"});
  }
  ServePending();
  CheckGone();
}

void ClusterPool::Forget(Connection& connection) {
  Slot& slot = SlotOf(connection.endpoint());
  Unlist(connection);
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

void ClusterPool::Retire(std::function<void()> gone) {
  gone_ = std::move(gone);
  retired_ = true;
  while (CloseAnyIdle()) {
  }
  CheckGone();
}

void ClusterPool::CheckGone() {
  if (gone_ && unused()) {
    io_.loop.Post(gone_);
  }
}

}  // namespace gatehouse::upstream
