// SPDX-License-Identifier: Apache-2.0
// The index that finds the route of a request: hosts by hash and trie, paths by a tree of segments,
// and the earliest declared of all candidates wins.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/route/route.h"

namespace gatehouse::route {

class RouteIndex;

// Immutable; any thread. Costs O(length of host and path) plus the candidates that share both.
class RouteTable {
 public:
  explicit RouteTable(std::vector<std::shared_ptr<const Route>> routes);
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  // The earliest declared route that matches, or null. Allocates nothing.
  const Route* Match(const RequestFacts& request) const;

  std::span<const std::shared_ptr<const Route>> routes() const { return routes_; }

 private:
  std::vector<std::shared_ptr<const Route>> routes_;
  std::unique_ptr<RouteIndex> index_;
};

// Whether `route` matches, tested part by part without the index: the reference that the index
// must equal, and what explains near misses. `why` (may be null) gets the first part that fails.
bool MatchesLinearly(const Route& route, const RequestFacts& request, std::string* why);

// Why a request is routed as it is: the choice, and the routes that came near.
struct Explanation {
  const Route* chosen = nullptr;
  struct NearMiss {
    const Route* route;
    std::string why;  // "header x-release is absent, wanted canary"
  };
  // Routes declared before the choice (all, without a choice) whose host and path match, or that
  // fail in one part only; nearest first, bounded.
  std::vector<NearMiss> near_misses;
};
Explanation Explain(const RouteTable& table, const RequestFacts& request,
                    size_t max_near_misses = 8);

}  // namespace gatehouse::route
