// SPDX-License-Identifier: Apache-2.0
// GET /filters: the named filters, and how many routes of which listeners they stand in.
#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

struct Use {
  Json listeners = Json::array();
  uint64_t routes = 0;  // Counted once for each listener.
};
using Uses = std::map<std::string, Use, std::less<>>;

bool Contains(const pipeline::Chain* chain, std::string_view name) {
  return chain != nullptr &&
         std::any_of(chain->definitions().begin(), chain->definitions().end(),
                     [&](const auto& definition) { return definition->name == name; });
}

// Chains are few, as routes share them; routes may be many.
Uses CountUses(const proxy::Snapshot& snapshot) {
  Uses uses;
  for (const proxy::ListenerPlan& plan : snapshot.listeners) {
    std::map<const pipeline::Chain*, uint64_t> chains;
    for (const pipeline::Chain* chain : plan.chains) {
      ++chains[chain];
    }
    for (const auto& [chain, routes] : chains) {
      if (chain != nullptr) {
        for (const auto& definition : chain->definitions()) {
          uses[definition->name].routes += routes;
        }
      }
    }
    for (const auto& [name, definition] : snapshot.filters->definitions()) {
      if (Contains(plan.no_route, name)) {
        uses[name].listeners.push_back(plan.settings->name);
      }
    }
  }
  return uses;
}

}  // namespace

void GetFilters(Call& call) {
  call.server.Answer(
      [snapshot = call.server.Snapshot()] {
        Uses uses = CountUses(*snapshot);
        Json out = Json::array();
        for (const auto& [name, definition] : snapshot->filters->definitions()) {
          Use& use = uses[name];
          out.push_back(Json{{"name", name},
                             {"type", definition->type},
                             {"required", definition->required},
                             {"listeners", std::move(use.listeners)},
                             {"routes", use.routes}});
        }
        return JsonResponse(Json{{"filters", std::move(out)}});
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin
