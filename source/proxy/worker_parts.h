// SPDX-License-Identifier: Apache-2.0
// The inside of a Worker, for proxy/ only.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "source/event/listener.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/redis/clients.h"
#include "source/proxy/services.h"
#include "source/proxy/stream.h"
#include "source/proxy/upkeep.h"
#include "source/proxy/worker.h"
#include "source/upstream/pool/cluster_pool.h"

namespace gatehouse::proxy {

// A snapshot with the number of streams of this worker that use it: an ordinary integer, as only
// this thread touches it.
struct PinnedSnapshot {
  std::shared_ptr<const Snapshot> snapshot;
  uint32_t streams = 0;
  std::vector<uint32_t> plan_of_id;  // ListenerPlan::id → index + 1; 0: not in this snapshot.
  // By listener: what its connections hold on to, which must not hold the snapshot.
  std::vector<std::shared_ptr<const ListenerPlan>> terms;

  const ListenerPlan* Plan(uint32_t id) const {
    const uint32_t at = id < plan_of_id.size() ? plan_of_id[id] : 0;
    return at == 0 ? nullptr : &snapshot->listeners[at - 1];
  }
};

// One address this worker accepts on.
class WorkerListener final : private event::Acceptor::Handler {
 public:
  WorkerListener(Worker::Parts& worker, uint32_t id, int fd);
  uint32_t id() const { return id_; }
  void Drain() { acceptor_.Drain(); }

 private:
  void OnAccept(int fd, const event::SocketAddress& peer) override;
  void OnAcceptError(int error) override;
  int accepts_per_turn() const override;

  Worker::Parts& worker_;
  const uint32_t id_;
  event::Acceptor acceptor_;
};

struct Worker::Parts final : private event::Flushable {
  Parts(uint32_t index, event::Loop& loop, observe::MetricTable& metrics,
        const WorkerContext& context);
  ~Parts();

  // Streams: made when needed, reused, never more than are under way at once.
  Stream& NewStream();
  // Gives `stream` back when the current callback has ended.
  void RecycleLater(Stream& stream);
  void Unpin(PinnedSnapshot& released);

  bool AdmitConnection(const ListenerPlan& plan);
  void AddConnection(int fd, const event::SocketAddress& peer, uint32_t listener);
  void RemoveConnection(DownstreamConnection& connection);

  // The pool of a cluster of `snapshot`, which may be an old one.
  upstream::ClusterPool& PoolFor(const std::shared_ptr<upstream::Cluster>& cluster,
                                 const PinnedSnapshot& snapshot);
  void RetirePools(const Snapshot& next);
  void RetirePool(uint32_t id, upstream::ClusterPool& pool);
  void CheckDrained();
  uint64_t Random();
  // "Sun, 06 Nov 1994 08:49:37 GMT" of now (RFC 9110 section 5.6.7).
  std::string_view Date();
  // What the clock on the wall showed at `at`, which is about now.
  WallTime WallAt(MonotonicTime at);

  static constexpr size_t kScratchBytes = 256 * 1024;

  const uint32_t index;
  event::Loop& loop;
  observe::MetricTable& metrics;
  const WorkerContext& context;
  BufferPool buffers;
  event::PipePool pipes;
  ArenaPool arenas;
  std::unique_ptr<char[]> scratch;
  upstream::IoContext io;
  redis::Clients redis;
  WorkerServices services;

  PinnedSnapshot* current = nullptr;
  std::vector<std::unique_ptr<PinnedSnapshot>> pinned;
  // By Cluster::id(): a cluster that changes gets a new one, so they are sparse before long.
  std::unordered_map<uint32_t, std::unique_ptr<upstream::ClusterPool>> pools;
  UpkeepSet upkeep{services};  // Of the first worker; empty at the others. Uses the pools.
  std::vector<std::unique_ptr<DownstreamConnection>> connections;
  std::vector<std::unique_ptr<WorkerListener>> listeners;
  std::function<void()> drained;
  bool draining = false;
  std::atomic<uint32_t> open_connections{0};
  std::atomic<uint32_t> open_streams{0};

 private:
  void OnFlush() override;

  std::vector<std::unique_ptr<Stream>> streams_;  // All of them.
  std::vector<Stream*> idle_streams_;
  std::vector<Stream*> ended_streams_;
  uint64_t random_;
  MonotonicTime wall_looked_at_{};
  Duration wall_offset_{};
  time_t date_second_ = 0;
  size_t date_size_ = 0;
  char date_[32] = {};
};

}  // namespace gatehouse::proxy
