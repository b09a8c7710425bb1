// SPDX-License-Identifier: Apache-2.0
// Keeps the endpoints of clusters in step with what their hostnames resolve to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "source/admin/server_view.h"
#include "source/base/clock.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/upstream/cluster.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::server {

// Control thread.
class DnsUpdates final : private event::Deadline {
 public:
  using Clusters = std::vector<std::shared_ptr<upstream::Cluster>>;

  // Answers that come this close together change a cluster's endpoints once.
  static constexpr Duration kGather = std::chrono::milliseconds(10);

  DnsUpdates(event::Loop& control, upstream::Resolver& resolver);
  ~DnsUpdates();

  // Also follows the hostnames of `clusters`. `ready` is called once, from the loop: when each of
  // them has had its first answer, good or bad, or after `limit`. One call at a time.
  void Follow(const Clusters& clusters, Duration limit, std::function<void()> ready);

  // Follows no others than `clusters` any more.
  void Keep(const Clusters& clusters);

  // The hostnames of `cluster`, in the order of its settings.
  std::vector<admin::ResolvedHost> Hosts(const upstream::Cluster& cluster) const;

 private:
  struct Followed;
  class Wait;

  void OnDeadline() override { Apply(); }
  void Add(const std::shared_ptr<upstream::Cluster>& cluster);
  void OnAnswer(Followed& followed, size_t spec, const std::vector<IpAddress>& addresses,
                const Error* error);
  void Apply();
  bool AllAnswered() const;
  void EndWait();

  event::Loop& control_;
  upstream::Resolver& resolver_;
  std::map<const upstream::Cluster*, std::unique_ptr<Followed>> followed_;
  std::unique_ptr<Wait> wait_;
};

}  // namespace gatehouse::server
