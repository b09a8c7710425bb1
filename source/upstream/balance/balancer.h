// SPDX-License-Identifier: Apache-2.0
// Picks an endpoint of a cluster, on one worker: weighted round robin or least_request, among the
// endpoints that carry the wanted labels.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "source/base/clock.h"
#include "source/upstream/cluster.h"
#include "source/upstream/endpoint.h"

namespace gatehouse::upstream {

// What this worker knows of one endpoint, by slot. Survives changes of the set.
struct SlotLoad {
  uint32_t in_flight = 0;
  // After a failed connect the endpoint is passed over until then, where others can serve.
  MonotonicTime avoid_until{};
};

// Worker thread only.
class Balancer {
 public:
  // Subsets kept per cluster: clients must not be able to make a worker remember more.
  static constexpr size_t kMaxSubsets = 256;

  explicit Balancer(BalancePolicy policy) : policy_(policy) {}

  // Takes `set` if it is another one than before.
  void Use(std::shared_ptr<const EndpointSet> set);

  // An endpoint that carries `labels` and whose slot is not in `tried`; null when there is none.
  // `loads` is indexed by slot.
  std::shared_ptr<const Endpoint> Pick(const LabelSet& labels, std::span<const uint32_t> tried,
                                       std::span<const SlotLoad> loads, MonotonicTime now);

  // The spread of start positions over workers: set once, before the first Pick().
  void Seed(uint64_t seed) { random_ = seed | 1; }

 private:
  struct Subset {
    LabelSet labels;
    std::vector<const std::shared_ptr<const Endpoint>*> members;
    std::vector<uint32_t> schedule;  // Indices into members.
    size_t cursor = 0;
  };
  using Tried = std::span<const uint32_t>;
  using Loads = std::span<const SlotLoad>;

  Subset& SubsetFor(const LabelSet& labels);
  Subset Build(const LabelSet& labels);
  size_t RoundRobin(Subset& subset, Tried tried, Loads loads, MonotonicTime now);
  size_t LeastRequest(Subset& subset, Tried tried, Loads loads, MonotonicTime now);
  uint64_t Random();

  const BalancePolicy policy_;
  std::shared_ptr<const EndpointSet> set_;
  Subset all_;
  std::list<Subset> subsets_;  // Most recently used first.
  uint64_t random_ = 0x9E3779B97F4A7C15;
};

}  // namespace gatehouse::upstream
