// SPDX-License-Identifier: Apache-2.0
// Where a Redis server is: an address as it stands, or those that DNS has for its name, kept
// current without ever waiting.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/error.h"
#include "source/event/address.h"
#include "source/event/loop.h"
#include "source/pipeline/services.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::redis {

// "10.0.0.1:6379", "redis.internal:6379", "unix:/path": without user, password and database.
std::string Describe(const pipeline::RedisServer& server);

// Loop thread only.
class ServerAddress {
 public:
  // `known` is called when there is news, never from inside: an address, or why there is none. Both
  // outlive this.
  ServerAddress(upstream::Resolver& resolver, const pipeline::RedisServer& server,
                std::function<void()> known);

  // Where to connect next: names with several addresses take turns. Nothing while it is looked up;
  // an Error when the latest answer was that there is none.
  std::optional<Result<event::SocketAddress>> Next();

 private:
  void OnAddresses(const std::vector<IpAddress>& addresses, const Error* error);

  const pipeline::RedisServer& server_;
  const std::function<void()> known_;
  std::vector<event::SocketAddress> addresses_;
  std::string trouble_;
  size_t next_ = 0;
  std::unique_ptr<upstream::HostWatch> watch_;  // Of a name.
};

}  // namespace gatehouse::redis
