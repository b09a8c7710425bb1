// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/clients.h"

#include <utility>

namespace gatehouse::redis {

Clients::Clients(event::Loop& loop, BufferPool& buffers, observe::MetricTable& table,
                 const RedisMetrics& metrics, const upstream::ResolverSettings& dns)
    : metrics_(metrics),
      resolver_(upstream::Resolver::Create(loop, dns)),
      context_{loop, buffers, *resolver_, table, metrics_} {}

Clients::~Clients() = default;

std::unique_ptr<pipeline::Pending> Clients::RunScript(
    const pipeline::RedisServer& server, const pipeline::RedisScript& script,
    std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
    std::function<void(Result<pipeline::RedisValue>)> done) {
  std::unique_ptr<Link>& link = links_[server];
  if (link == nullptr) {
    link = std::make_unique<Link>(context_, server, *this);
  }
  return link->Run(script, keys, arguments, std::move(done));
}

void Clients::OnUnused(Link& link) {
  const auto at = links_.find(link.server());
  context_.loop.DeleteLater(std::move(at->second));
  links_.erase(at);
}

}  // namespace gatehouse::redis
