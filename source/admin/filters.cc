// SPDX-License-Identifier: Apache-2.0
// GET /filters: the named filters, and how many routes of which listeners they stand in.
// GET /filters/NAME: one of them and what it knows. /filters/NAME/PAGE: what it makes of that
// itself.
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
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

// "/filters/NAME ..." of a filter that is there; else it is answered.
std::shared_ptr<const pipeline::FilterDefinition> Named(Call& call) {
  const auto& all = call.server.Snapshot()->filters;
  if (all != nullptr) {
    const auto found = all->definitions().find(call.names[0]);
    if (found != all->definitions().end()) {
      return found->second;
    }
  }
  call.Send(ErrorResponse(404, "no_filter", "there is no filter \"" + call.names[0] + "\""));
  return nullptr;
}

void AskPage(Call& call, bool change) {
  std::shared_ptr<const pipeline::FilterDefinition> filter = Named(call);
  if (filter == nullptr) {
    return;
  }
  call.server.Answer(
      [filter = std::move(filter), change, page = call.names[1],
       query = std::string(call.request.head.query), body = std::string(call.request.body)] {
        std::optional<pipeline::AdminReply> answer =
            filter->Administer({change, page, query, body});
        if (!answer) {
          return ErrorResponse(404, "not_found",
                               "filters of type " + std::string(filter->type) + " have no page \"" +
                                   page + "\"" + (change ? " to post to" : ""));
        }
        proxy::HandlerResponse response;
        response.status = answer->status;
        response.body = std::move(answer->json);
        return response;
      },
      std::move(call.reply));
}

}  // namespace

void GetFilter(Call& call) {
  std::shared_ptr<const pipeline::FilterDefinition> filter = Named(call);
  if (filter == nullptr) {
    return;
  }
  call.server.Answer(
      [filter = std::move(filter)] {
        const std::string text = filter->State();
        Json out{{"name", filter->name}, {"type", filter->type}, {"required", filter->required}};
        out["state"] = text.empty() ? Json() : Json::parse(text, nullptr, false);
        return JsonResponse(out);
      },
      std::move(call.reply));
}

void GetFilterPage(Call& call) { AskPage(call, false); }

void PostFilterPage(Call& call) { AskPage(call, true); }

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
