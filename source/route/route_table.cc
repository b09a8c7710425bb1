// SPDX-License-Identifier: Apache-2.0
#include "source/route/route_table.h"

#include <limits>
#include <utility>

#include "source/route/conditions.h"
#include "source/route/route_index.h"

namespace gatehouse::route {

RouteTable::RouteTable(std::vector<std::shared_ptr<const Route>> routes)
    : routes_(std::move(routes)), index_(std::make_unique<RouteIndex>(routes_)) {}

RouteTable::~RouteTable() = default;

const Route* RouteTable::Match(const RequestFacts& request) const {
  uint32_t best = std::numeric_limits<uint32_t>::max();
  pipeline::QueryDecoder decoder(request.head.headers.arena());
  const auto scan = [&](CandidateList list, ListKind) {
    for (const Candidate candidate : list) {
      if (candidate.position() >= best) {
        return;
      }
      if (!candidate.conditional() ||
          ConditionsHold(routes_[candidate.position()]->match, request, decoder)) {
        best = candidate.position();
        return;
      }
    }
  };
  index_->ForEachList(request.head.host, request.head.path, scan);
  return best < routes_.size() ? routes_[best].get() : nullptr;
}

}  // namespace gatehouse::route
