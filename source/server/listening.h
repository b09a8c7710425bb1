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

// From now on the kernel ignores attempts to connect, while connections that are nearly made still
// are. Unix sockets, which have no such moment, are left as they are.
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

  // Starts accepting on `fresh`, which Bind() made for `next`, and gives up what `next` has not.
  // The workers have been sent `next`.
  void Switch(const proxy::Snapshot& next, Sockets fresh);

  // Gives all up; `done` is called when the workers have taken what was queued.
  void GiveUpAll(std::function<void()> done);

  std::vector<admin::BoundListener> Bound() const;

 private:
  class Retiring;

  void Lend(uint32_t id, const event::ListeningSockets& sockets);
  void Retire(Sockets old, std::function<void()> done);
  void StopAccepting(const Sockets& old, std::function<void()> done);
  void Forget(const Retiring* retiring);

  event::Loop& control_;
  const WorkerThreads& workers_;
  Sockets bound_;
  std::vector<std::unique_ptr<Retiring>> retiring_;
};

}  // namespace gatehouse::server
