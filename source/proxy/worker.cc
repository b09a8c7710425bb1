// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/worker.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

// What a connection past max_connections gets. It has not been read, so there is nothing to parse.
constexpr std::string_view kTooManyConnections =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 47\r\n"
    "x-gatehouse-error: overloaded\r\n"
    "retry-after: 1\r\n"
    "connection: close\r\n"
    "\r\n"
    "a limit has been reached (overloaded, too many)";

// How late a clock that was set may be noticed.
constexpr Duration kLookAtWall = std::chrono::milliseconds(100);

bool HasCluster(const Snapshot& snapshot, uint32_t id) {
  return std::binary_search(snapshot.cluster_ids.begin(), snapshot.cluster_ids.end(), id);
}

}  // namespace

WorkerListener::WorkerListener(Worker::Parts& worker, uint32_t id, int fd)
    : worker_(worker), id_(id), acceptor_(worker.loop, fd, *this) {}

void WorkerListener::OnAccept(int fd, const event::SocketAddress& peer) {
  worker_.AddConnection(fd, peer, id_);
}

int WorkerListener::accepts_per_turn() const {
  return static_cast<int>(worker_.current->snapshot->limits.max_accepts_per_turn);
}

void WorkerListener::OnAcceptError(int) {
  if (const ListenerPlan* plan = worker_.current->Plan(id_)) {
    worker_.metrics.Add(plan->metrics[ListenerMetric::kAcceptErrors]);
  }
}

Worker::Parts::Parts(uint32_t index, event::Loop& loop, observe::MetricTable& metrics,
                     const WorkerContext& context)
    : index(index),
      loop(loop),
      metrics(metrics),
      context(context),
      scratch(new char[kScratchBytes]),
      io{loop, buffers, pipes, {scratch.get(), kScratchBytes}, metrics},
      redis(loop, buffers, metrics, context.redis, context.dns),
      services(*this),
      random_(static_cast<uint64_t>(MonotonicNow().time_since_epoch().count()) * (index + 1) | 1) {}

Worker::Parts::~Parts() = default;

Stream& Worker::Parts::NewStream() {
  open_streams.store(open_streams.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!idle_streams_.empty()) {
    Stream& stream = *idle_streams_.back();
    idle_streams_.pop_back();
    return stream;
  }
  streams_.push_back(std::make_unique<Stream>(*this));
  return *streams_.back();
}

void Worker::Parts::RecycleLater(Stream& stream) {
  ended_streams_.push_back(&stream);
  loop.QueueFlush(*this);
}

void Worker::Parts::OnFlush() {
  for (size_t i = 0; i < ended_streams_.size(); ++i) {
    Stream& stream = *ended_streams_[i];
    stream.Recycle();
    idle_streams_.push_back(&stream);
    open_streams.store(open_streams.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  ended_streams_.clear();
  CheckDrained();
}

void Worker::Parts::Unpin(PinnedSnapshot& released) {
  if (--released.streams > 0 || &released == current) {
    return;
  }
  const auto at = std::find_if(pinned.begin(), pinned.end(),
                               [&](const auto& one) { return one.get() == &released; });
  // Ten thousand routes take a while to destroy: not here.
  context.background->Run([old = std::shared_ptr<PinnedSnapshot>(std::move(*at))] {});
  pinned.erase(at);
}

// Takes a place for a connection, the listener's and the process's, if both have one left.
bool Worker::Parts::AdmitConnection(const ListenerPlan& plan) {
  if (!plan.connections->TryAcquire(plan.settings->max_connections)) {
    return false;
  }
  const uint32_t most = current->snapshot->limits.max_connections;
  if (context.connections == nullptr ||
      context.connections->TryAcquire(most == 0 ? UINT32_MAX : most)) {
    return true;
  }
  plan.connections->Release();
  return false;
}

void Worker::Parts::AddConnection(int fd, const event::SocketAddress& peer, uint32_t listener) {
  const ListenerPlan* plan = current->Plan(listener);
  if (plan == nullptr) {
    close(fd);
    return;
  }
  if (!AdmitConnection(*plan)) {
    metrics.Add(plan->metrics[ListenerMetric::kConnectionsRefused]);
    char ignored[1024];
    [[maybe_unused]] const ssize_t read = recv(fd, ignored, sizeof(ignored), 0);
    [[maybe_unused]] const ssize_t sent =
        send(fd, kTooManyConnections.data(), kTooManyConnections.size(), MSG_NOSIGNAL);
    close(fd);
    return;
  }
  const auto at = static_cast<size_t>(plan - current->snapshot->listeners.data());
  connections.push_back(
      std::make_unique<DownstreamConnection>(*this, fd, peer, current->terms[at]));
  connections.back()->index = static_cast<uint32_t>(connections.size() - 1);
  open_connections.store(static_cast<uint32_t>(connections.size()), std::memory_order_relaxed);
  if (draining) {
    connections.back()->Drain();
  }
}

void Worker::Parts::RemoveConnection(DownstreamConnection& connection) {
  const uint32_t at = connection.index;
  std::unique_ptr<DownstreamConnection> doomed = std::move(connections[at]);
  if (at + 1 != connections.size()) {
    connections[at] = std::move(connections.back());
    connections[at]->index = at;
  }
  connections.pop_back();
  open_connections.store(static_cast<uint32_t>(connections.size()), std::memory_order_relaxed);
  loop.DeleteLater(std::move(doomed));
  CheckDrained();
}

upstream::ClusterPool& Worker::Parts::PoolFor(const std::shared_ptr<upstream::Cluster>& cluster,
                                              const PinnedSnapshot& snapshot) {
  const uint32_t id = cluster->id();
  std::unique_ptr<upstream::ClusterPool>& pool = pools[id];
  if (pool == nullptr) {
    pool = std::make_unique<upstream::ClusterPool>(io, cluster, Random());
    if (&snapshot != current && !HasCluster(*current->snapshot, id)) {
      RetirePool(id, *pool);  // Only for who still holds the old configuration.
    }
  }
  return *pool;
}

void Worker::Parts::RetirePools(const Snapshot& next) {
  for (const auto& [id, pool] : pools) {
    if (!pool->retired() && !HasCluster(next, id)) {
      RetirePool(id, *pool);
    }
  }
}

void Worker::Parts::RetirePool(uint32_t id, upstream::ClusterPool& pool) {
  pool.Retire([this, id] {
    const auto at = pools.find(id);
    if (at != pools.end() && at->second->retired() && at->second->unused()) {
      loop.DeleteLater(std::move(at->second));
      pools.erase(at);
    }
  });
}

void Worker::Parts::CheckDrained() {
  if (draining && drained && connections.empty() &&
      open_streams.load(std::memory_order_relaxed) == 0) {
    std::exchange(drained, nullptr)();
  }
}

// xorshift64*: request ids and weighted choices need spread, not secrecy.
uint64_t Worker::Parts::Random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return random_ * 0x2545F4914F6CDD1D;
}

std::string_view Worker::Parts::Date() {
  const time_t second = time(nullptr);
  if (second != date_second_) {
    date_second_ = second;
    tm parts{};
    gmtime_r(&second, &parts);
    date_size_ = strftime(date_, sizeof(date_), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {date_, date_size_};
}

WallTime Worker::Parts::WallAt(MonotonicTime at) {
  if (at - wall_looked_at_ > kLookAtWall) {
    wall_looked_at_ = at;
    wall_offset_ = WallNow().time_since_epoch() - MonotonicNow().time_since_epoch();
  }
  return WallTime(at.time_since_epoch() + wall_offset_);
}

Worker::Worker(uint32_t index, event::Loop& loop, observe::MetricTable& metrics,
               const WorkerContext& context)
    : parts_(std::make_unique<Parts>(index, loop, metrics, context)) {}

Worker::~Worker() = default;

void Worker::SetSnapshot(std::shared_ptr<const Snapshot> snapshot) {
  Parts& parts = *parts_;
  auto next = std::make_unique<PinnedSnapshot>();
  for (size_t i = 0; i < snapshot->listeners.size(); ++i) {
    const uint32_t id = snapshot->listeners[i].id;
    if (id >= next->plan_of_id.size()) {
      next->plan_of_id.resize(id + 1, 0);
    }
    next->plan_of_id[id] = static_cast<uint32_t>(i + 1);
    next->terms.push_back(
        std::make_shared<const ListenerPlan>(snapshot->listeners[i].WithoutRoutes()));
  }
  next->snapshot = std::move(snapshot);
  PinnedSnapshot* previous = std::exchange(parts.current, next.get());
  parts.pinned.push_back(std::move(next));
  parts.RetirePools(*parts.current->snapshot);
  if (parts.index == 0) {
    parts.upkeep.Follow(parts.current->snapshot->filters.get());
  }
  if (previous == nullptr) {
    return;
  }
  ++previous->streams;
  for (const std::unique_ptr<DownstreamConnection>& connection : parts.connections) {
    if (parts.current->Plan(connection->listener()) == nullptr) {
      connection->KeepSnapshot(*previous);
      connection->Drain();
    }
  }
  parts.Unpin(*previous);
}

void Worker::Accept(uint32_t listener, int listening_fd) {
  parts_->listeners.push_back(std::make_unique<WorkerListener>(*parts_, listener, listening_fd));
}

void Worker::StopAccepting(uint32_t listener, bool take_queued) {
  Parts& parts = *parts_;
  std::erase_if(parts.listeners, [&](const std::unique_ptr<WorkerListener>& one) {
    if (one->id() != listener) {
      return false;
    }
    if (take_queued) {
      one->Drain();
    }
    return true;
  });
  for (const std::unique_ptr<DownstreamConnection>& connection : parts.connections) {
    if (connection->listener() == listener) {
      connection->Drain();
    }
  }
}

void Worker::Drain(std::function<void()> drained) {
  Parts& parts = *parts_;
  parts.drained = std::move(drained);
  for (const std::unique_ptr<WorkerListener>& listener : parts.listeners) {
    listener->Drain();
  }
  parts.listeners.clear();
  parts.draining = true;
  for (const std::unique_ptr<DownstreamConnection>& connection : parts.connections) {
    connection->Drain();
  }
  parts.CheckDrained();
}

void Worker::Shutdown() {
  Parts& parts = *parts_;
  parts.listeners.clear();
  while (!parts.connections.empty()) {
    parts.connections.back()->Abort(
        {ErrorCode::kDraining, ErrorSource::kInternal, "the gateway is shutting down"});
  }
}

uint32_t Worker::connections() const {
  return parts_->open_connections.load(std::memory_order_relaxed);
}

uint32_t Worker::streams() const { return parts_->open_streams.load(std::memory_order_relaxed); }

}  // namespace gatehouse::proxy
