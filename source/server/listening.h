// SPDX-License-Identifier: Apache-2.0
// The listening sockets of all listeners: bound by the server, lent to the workers.
//
// A listener that goes away first stops new connections from being made, then takes those that the
// kernel has made already, then closes: its clients are refused or answered, never reset.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/admin/server_view.h"
#include "source/base/error.h"
#include "source/event/deadline.h"
#include "source/event/listener.h"
#include "source/event/loop.h"
#include "source/proxy/snapshot.h"
#include "source/server/worker_thread.h"

namespace gatehouse::server {

// The kernel's form of an address to listen on. "localhost" is 127.0.0.1; other names are refused.
Result<event::SocketAddress> ListenAddress(const config::Address& address);

// From now on the kernel refuses attempts to connect, while connections that are nearly made still
// are, and wait to be accepted. Unix sockets, which have no such moment, are left as they are.
void RefuseNewConnections(const event::ListeningSockets& sockets);

// How long a connection that the kernel has begun may take to be made.
inline constexpr Duration kHandshakeGrace = std::chrono::milliseconds(100);

// Control thread.
class Listening {
 public:
  // What a configuration needs and is not bound yet, by ListenerPlan::id.
  using Sockets = std::map<uint32_t, std::shared_ptr<event::ListeningSockets>>;

  // `workers` is filled before anything is served, and emptied before this is destroyed.
  Listening(event::Loop& control, const WorkerThreads& workers);
  ~Listening();

  // Binds what `next` has and is not bound yet, for `workers` threads. A listener that took over
  // another's address gets the sockets of that one. An error names the listener and the address;
  // nothing is bound then.
  Result<Sockets> Bind(const proxy::Snapshot& next, size_t workers) const;

  // Refuses new connections to the listeners that `next` has not. `then` is called when those that
  // were nearly made are made; at once when no listener goes.
  void Prepare(const proxy::Snapshot& next, const Sockets& fresh, std::function<void()> then);

  // Has every worker serve `next`, accept on `fresh`, which Bind() made for it, and give up what
  // `next` has not, after taking what is queued there. `done` is called when all have done so.
  void Switch(const std::shared_ptr<const proxy::Snapshot>& next, const Sockets& fresh,
              std::function<void()> done);

  // Gives all listeners up; `done` is called when the workers have taken what was queued.
  void GiveUpAll(std::function<void()> done);

  std::vector<admin::BoundListener> Bound() const;

 private:
  class Pause;
  struct Switching;

  event::ListeningSockets::Sharing SharingFor(const event::SocketAddress& address,
                                              const proxy::Snapshot& next) const;
  // Bound, not in `next`, and not passed on to a listener in `fresh`.
  Sockets Leaving(const proxy::Snapshot& next, const Sockets& fresh) const;
  void RefuseThen(const Sockets& leaving, std::function<void()> then);
  void EndPause(const Pause* pause);

  event::Loop& control_;
  const WorkerThreads& workers_;
  Sockets bound_;
  std::vector<std::unique_ptr<Pause>> pauses_;
};

}  // namespace gatehouse::server
