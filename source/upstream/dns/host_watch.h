// SPDX-License-Identifier: Apache-2.0
// Keeps the addresses of hostnames current: asks again when the TTL has passed, keeps the last good
// answer when asking fails. The only includer of c-ares is this folder. Control loop only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/base/ip.h"
#include "source/event/loop.h"

namespace gatehouse::upstream {

struct ResolverSettings {
  std::vector<std::string> servers;  // "127.0.0.1:5353"; empty: the system's (resolv.conf, hosts).
  Duration timeout{std::chrono::seconds(2)};  // Of a server; the second round waits twice as long.
  Duration min_ttl{std::chrono::seconds(1)};  // Shorter TTLs are treated as this.
  Duration max_ttl{std::chrono::minutes(5)};
  Duration retry{std::chrono::seconds(5)};  // After a failure.
  // How long servers must say that a name does not exist, or has no addresses, before it loses the
  // addresses it had: a DNS server that restarts says so for a moment, too.
  Duration hold_vanished{std::chrono::seconds(30)};
  friend bool operator==(const ResolverSettings&, const ResolverSettings&) = default;
};

class Resolver;

// A subscription: the callback stops with it. May outlive its resolver.
class HostWatch {
 public:
  virtual ~HostWatch() = default;
};

class Resolver {
 public:
  // `addresses`: all of them, IPv4 first, sorted, without duplicates; called when they are first
  // known and whenever they or the error change. With two families, the one that answers first is
  // told first. `error`: why the latest question failed, or null; addresses are then the last good
  // ones, perhaps none. May drop watches, its own too, and start some; not the resolver.
  using Changed = std::function<void(const std::vector<IpAddress>& addresses, const Error* error)>;

  // Never fails: what can't be set up (a server that is no address) fails each question.
  static std::unique_ptr<Resolver> Create(event::Loop& loop, const ResolverSettings& settings);
  virtual ~Resolver() = default;
  // Watches of the same name share one question. `changed` is never called from inside Watch().
  virtual std::unique_ptr<HostWatch> Watch(const std::string& hostname, Changed changed) = 0;
};

}  // namespace gatehouse::upstream
