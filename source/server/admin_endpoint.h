// SPDX-License-Identifier: Apache-2.0
// Where the admin endpoint listens: a worker of its own on the control loop, whose snapshot has a
// handler instead of routes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/admin/admin.h"
#include "source/base/error.h"
#include "source/event/listener.h"
#include "source/event/loop.h"
#include "source/observe/metrics.h"
#include "source/pipeline/chain.h"
#include "source/proxy/worker.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {

// Control thread.
class AdminEndpoint {
 public:
  struct Parts {
    event::Loop& control;
    observe::Metrics& metrics;
    observe::MetricTable& table;  // The control thread's.
    uint32_t index;               // As a worker: past the others.
    const proxy::WorkerContext& context;
    admin::ServerView& server;
  };

  // Binds the address; an error names it.
  static Result<std::unique_ptr<AdminEndpoint>> Open(const AdminSettings& settings,
                                                     const Parts& parts);

  // Begins to accept, once.
  void Serve();
  // Takes over the tokens of `settings`.
  void SetTokens(const AdminSettings& settings);

  // Of its listener, as it was opened.
  const proxy::ListenerPlan& plan() const { return snapshot_->listeners.front(); }
  // As bound: "127.0.0.1:9901", "unix:/path".
  std::string address() const { return sockets_->address().ToString(); }

 private:
  AdminEndpoint(const Parts& parts, std::unique_ptr<event::ListeningSockets> sockets);
  std::shared_ptr<const proxy::Snapshot> MakeSnapshot(const AdminSettings& settings,
                                                      observe::Metrics& metrics);

  std::unique_ptr<event::ListeningSockets> sockets_;
  admin::Admin handler_;
  const pipeline::Chain no_filters_;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  proxy::Worker worker_;
};

}  // namespace gatehouse::server
