// SPDX-License-Identifier: Apache-2.0
// Endpoints and sets of them: immutable, built once for all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/seldom.h"
#include "source/event/address.h"

namespace gatehouse::upstream {

using LabelSet = std::vector<std::pair<std::string, std::string>>;  // Sorted by key.

struct Endpoint {
  // Stable within its cluster for as long as the address is a member: index of per-worker state.
  uint32_t slot = 0;
  event::SocketAddress address;
  std::string name;              // "10.0.0.3:9002", "unix:/path": for logs and stats.
  Seldom<std::string> hostname;  // What it was resolved from; empty for plain addresses.
  uint32_t weight = 1;
  LabelSet labels;
};

// Whether `endpoint` carries all of `wanted` (sorted by key, as its own).
bool Carries(const Endpoint& endpoint, const LabelSet& wanted);

// The members of a cluster at one time. Any thread.
struct EndpointSet {
  std::vector<std::shared_ptr<const Endpoint>> endpoints;
  uint32_t slots = 0;  // Past the largest slot in use.
};

// The order in which weighted round robin visits: indices into `weights`, each as often as its
// weight, spread out evenly. Weights are reduced by the common divisor, then rounded so that there
// are at most 4,096 entries in all, or 4 per endpoint when that is more. Weight 0 never appears.
std::vector<uint32_t> WeightedSchedule(const std::vector<uint32_t>& weights);

}  // namespace gatehouse::upstream
