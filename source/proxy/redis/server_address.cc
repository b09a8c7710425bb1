// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/server_address.h"

#include <utility>

namespace gatehouse::redis {

std::string Describe(const pipeline::RedisServer& server) {
  if (!server.unix_path.empty()) {
    return "unix:" + server.unix_path;
  }
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

ServerAddress::ServerAddress(upstream::Resolver& resolver, const pipeline::RedisServer& server,
                             std::function<void()> known)
    : server_(server), known_(std::move(known)) {
  if (!server.unix_path.empty()) {
    auto address = event::SocketAddress::FromUnixPath(server.unix_path);
    if (address) {
      addresses_.push_back(*address);
    } else {
      trouble_ = address.error().message;
    }
  } else if (const std::optional<IpAddress> ip = ParseIp(server.host)) {
    addresses_.push_back(event::SocketAddress::FromIp(*ip, server.port));
  } else {
    watch_ =
        resolver.Watch(server.host, [this](const std::vector<IpAddress>& addresses,
                                           const Error* error) { OnAddresses(addresses, error); });
  }
}

void ServerAddress::OnAddresses(const std::vector<IpAddress>& addresses, const Error* error) {
  addresses_.clear();
  for (const IpAddress& ip : addresses) {
    addresses_.push_back(event::SocketAddress::FromIp(ip, server_.port));
  }
  trouble_ = error == nullptr ? "its name has no addresses" : error->message;
  known_();
}

std::optional<Result<event::SocketAddress>> ServerAddress::Next() {
  if (!addresses_.empty()) {
    return addresses_[next_++ % addresses_.size()];
  }
  if (trouble_.empty()) {
    return std::nullopt;
  }
  return Fail(ErrorCode::kIo, ErrorSource::kUpstream, trouble_);
}

}  // namespace gatehouse::redis
