// SPDX-License-Identifier: Apache-2.0
// Redis as one worker uses it: scripts in one round trip, on its own loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "source/base/buffer.h"
#include "source/event/loop.h"
#include "source/observe/metric_table.h"
#include "source/pipeline/services.h"
#include "source/proxy/redis/link.h"
#include "source/proxy/redis/redis_metrics.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::redis {

// Loop thread only. When it is destroyed, calls under way end without an answer.
class Clients final : public Link::Owner {
 public:
  // `loop`, `buffers` and `table` outlive it.
  Clients(event::Loop& loop, BufferPool& buffers, observe::MetricTable& table,
          const RedisMetrics& metrics, const upstream::ResolverSettings& dns);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // As Services::RunScript().
  std::unique_ptr<pipeline::Pending> RunScript(
      const pipeline::RedisServer& server, const pipeline::RedisScript& script,
      std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
      std::function<void(Result<pipeline::RedisValue>)> done);

 private:
  void OnUnused(Link& link) override;

  const RedisMetrics metrics_;
  const std::unique_ptr<upstream::Resolver> resolver_;
  const LinkContext context_;
  std::map<pipeline::RedisServer, std::unique_ptr<Link>> links_;
};

}  // namespace gatehouse::redis
