// SPDX-License-Identifier: Apache-2.0
// A thread's share of the data path: its loop, connections, pools, counters, and the snapshot it
// serves from.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/base/arena.h"
#include "source/base/buffer.h"
#include "source/event/background.h"
#include "source/event/listener.h"
#include "source/event/loop.h"
#include "source/observe/metrics.h"
#include "source/proxy/redis/redis_metrics.h"
#include "source/proxy/snapshot.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::proxy {

class DownstreamConnection;
class SnapshotPin;
class WorkerListener;

// What all workers of a process share. Outlives them.
struct WorkerContext {
  event::Background* background = nullptr;  // Destroys old snapshots, runs filters' work.
  uint32_t workers = 1;
  upstream::SharedLimit* connections = nullptr;  // Of clients, of all workers; null: not counted.
  redis::RedisMetrics redis{};
  upstream::ResolverSettings dns{};  // For the names of Redis servers.
};

// Everything on the worker's loop thread, unless said. Create before the loop runs.
class Worker {
 public:
  Worker(uint32_t index, event::Loop& loop, observe::MetricTable& metrics,
         const WorkerContext& context);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Serves new streams from `snapshot`; streams under way keep theirs. Connections of listeners
  // that are not in it any more are drained.
  void SetSnapshot(std::shared_ptr<const Snapshot> snapshot);
  // Accepts on `listening_fd` for the listener with ListenerPlan::id `listener`. The descriptor is
  // only borrowed.
  void Accept(uint32_t listener, int listening_fd);
  // Stops accepting for that listener, after taking what is queued when `take_queued`; its
  // connections finish the request they are in. The descriptor is not touched after `done` ran.
  void StopAccepting(uint32_t listener, bool take_queued);
  // All listeners: stop accepting, say Connection: close, close idle connections.
  // `drained` is called once when the last connection has gone.
  void Drain(std::function<void()> drained);
  // Closes everything now.
  void Shutdown();

  // Any thread, approximate.
  uint32_t connections() const;
  uint32_t streams() const;

  struct Parts;  // For proxy/ only: worker_parts.h.
  Parts& parts() { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

}  // namespace gatehouse::proxy
