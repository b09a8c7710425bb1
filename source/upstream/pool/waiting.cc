// SPDX-License-Identifier: Apache-2.0
// The half of a pool that deals with those for whom no connection is free: they wait for one that
// is being opened, many for the same where it may be HTTP/2, or in line for what the limits allow.
#include <algorithm>
#include <utility>
#include <vector>

#include "source/upstream/pool/cluster_pool.h"

namespace gatehouse::upstream {
namespace {

// How often those who wait for a connection that another worker holds look again.
constexpr Duration kPendingCheck = std::chrono::milliseconds(20);

Error NoUpgrade(const Endpoint& endpoint) {
  return {ErrorCode::kNoEndpoint, ErrorSource::kUpstream,
          endpoint.name + " takes no WebSocket over HTTP/2 (SETTINGS_ENABLE_CONNECT_PROTOCOL)"};
}

}  // namespace

void ClusterPool::Place(Waiter& waiter) {
  if (waiter.upgrade_ && TakesNoUpgrades(SlotOf(*waiter.wanted_))) {
    Refuse(waiter);
  } else if (!pending_.empty() || (!Join(waiter) && !Open(waiter))) {
    Enqueue(waiter);
  }
}

// As far as a connection that is there tells, where there is no choice but HTTP/2.
bool ClusterPool::TakesNoUpgrades(const Slot& slot) const {
  return terms_.protocol == Protocol::kHttp2 &&
         std::any_of(slot.connections.begin(), slot.connections.end(), [](const auto& connection) {
           return connection->settled() && !connection->CanUpgrade() && !connection->leaving;
         });
}

// A connection that is being opened can serve more than the one it is opened for, where it may turn
// out to speak HTTP/2.
bool ClusterPool::Join(Waiter& waiter) {
  Slot& slot = SlotOf(*waiter.wanted_);
  // Who has the choice does not wait to hear whether HTTP/2 takes upgrades.
  if (SpeaksOf(slot) == Speaks::kHttp1 || (waiter.upgrade_ && terms_.protocol == Protocol::kAuto)) {
    return false;
  }
  const uint32_t most = std::min(terms_.max_streams, slot.max_streams);
  for (const std::unique_ptr<Connection>& connection : slot.connections) {
    const bool opening = connection->connecting() || (waiter.upgrade_ && !connection->settled());
    if (opening && !connection->lost() && !connection->http1_only() && !connection->leaving &&
        connection->waiters.size() < most) {
      if (!connection->connecting()) {
        connection->AwaitSettings();
      }
      connection->waiters.Add(waiter);
      waiter.connection_ = connection.get();
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

// It is told from the loop.
void ClusterPool::Refuse(Waiter& waiter) {
  waiter.queued_ = waiter.refused_ = true;
  waiter.give_up_ = {};
  pending_.push_back(&waiter);
  io_.loop.deadlines().ArmAfter(*this, Duration(0));
}

void ClusterPool::Dequeue(Waiter& waiter) {
  if (waiter.give_up_ != MonotonicTime{}) {
    cluster_->pending.Release();
    Count(ClusterMetric::kPendingActive, -1);
  }
  waiter.queued_ = waiter.refused_ = false;
  pending_.remove(&waiter);
}

void ClusterPool::Cancel(Waiter& waiter) {
  if (waiter.queued_) {
    Dequeue(waiter);
  }
  if (waiter.connection_ != nullptr) {
    // The connection goes on and serves somebody else.
    std::exchange(waiter.connection_, nullptr)->waiters.Remove(waiter);
  }
}

// As far as it can: the others look for another one. Who has come for an upgrade waits until it is
// known whether that can be.
void ClusterPool::ServeWaiters(Connection& connection) {
  for (uint32_t left = connection.waiters.size(); left > 0 && !connection.lost(); --left) {
    Waiter* const waiter = connection.waiters.first();
    if (waiter == nullptr) {
      return;  // One that was served has cancelled others.
    }
    connection.waiters.Remove(*waiter);
    if (waiter->upgrade_ && !connection.settled()) {
      connection.waiters.Add(*waiter);
      continue;
    }
    waiter->connection_ = nullptr;
    if (!connection.CanStart()) {
      waiter->upgrade_ = waiter->upgrade_ && SpeaksOf(SlotOf(*waiter->wanted_)) != Speaks::kHttp1;
      Place(*waiter);
    } else {
      waiter->OnConnection(connection);
    }
  }
}

void ClusterPool::ServePending(Connection& connection) {
  while (!pending_.empty() && connection.CanStart()) {
    const auto wants = std::find_if(pending_.begin(), pending_.end(), [&](const Waiter* waiter) {
      return waiter->give_up_ != MonotonicTime{} &&
             waiter->wanted_->slot == connection.endpoint().slot &&
             (!waiter->upgrade_ || connection.CanUpgrade());
    });
    if (wants == pending_.end()) {
      return;
    }
    Waiter& waiter = **wants;
    Dequeue(waiter);
    waiter.OnConnection(connection);
  }
}

void ClusterPool::OnConnectionSettled(Connection& connection) {
  if (connection.settled() && !connection.leaving) {
    SlotOf(connection.endpoint()).max_streams = std::max(connection.limit(), 1U);
  }
  if (connection.waiters.empty()) {
    return;
  }
  if (connection.CanUpgrade()) {
    ServeWaiters(connection);
    return;
  }
  while (Waiter* waiter = connection.waiters.first()) {
    connection.waiters.Remove(*waiter);
    waiter->connection_ = nullptr;
    waiter->OnNoConnection(NoUpgrade(connection.endpoint()));
  }
}

// At the limit, a connection parked here may be what another worker waits for.
void ClusterPool::WatchOthers() {
  if (cluster_->connections.used() >= cluster_->settings().max_connections && !armed()) {
    io_.loop.deadlines().ArmAfter(*this, kPendingCheck);
  }
}

// Those who want to go where a connection may be shared need none of their own.
void ClusterPool::ServePending() {
  bool may_open = true;
  for (auto at = pending_.begin(); at != pending_.end();) {
    Waiter& waiter = **at++;
    if (waiter.give_up_ == MonotonicTime{}) {
      continue;
    }
    if (Join(waiter) || (may_open && Open(waiter))) {
      Dequeue(waiter);
      continue;
    }
    may_open = false;
    if (speaks_ == Speaks::kHttp1) {
      return;
    }
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
    const bool refused = waiter->refused_;
    Dequeue(*waiter);
    if (refused) {
      waiter->OnNoConnection(NoUpgrade(*waiter->wanted_));
      continue;
    }
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
                                  [](const Slot& slot) { return !slot.free.empty(); });
    if (idle) {
      WatchOthers();
    }
  }
  CheckGone();
}

}  // namespace gatehouse::upstream
