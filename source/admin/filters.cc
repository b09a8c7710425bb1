// SPDX-License-Identifier: Apache-2.0
// GET /filters: the named filters, and how many routes of which listeners they stand in.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
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

// The names of a chain's filters, also of those that stand in an any_of.
std::set<std::string_view> NamesIn(const pipeline::Chain* chain) {
  std::set<std::string_view> names;
  if (chain != nullptr) {
    for (const auto& definition : chain->definitions()) {
      names.insert(definition->name);
      for (const auto& member : definition->members()) {
        names.insert(member->name);
      }
    }
  }
  return names;
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
      for (const std::string_view name : NamesIn(chain)) {
        uses[std::string(name)].routes += routes;
      }
    }
    for (const std::string_view name : NamesIn(plan.no_route)) {
      uses[std::string(name)].listeners.push_back(plan.settings->name);
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
