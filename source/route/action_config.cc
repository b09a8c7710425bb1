// SPDX-License-Identifier: Apache-2.0
#include "source/route/action_config.h"

#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

constexpr std::string_view kActions[] = {"cluster", "split", "redirect", "respond"};
constexpr std::string_view kForwardOnly[] = {"labels", "rewrite", "fallback"};

}  // namespace

RouteAction LoadAction(Object& in, const RouteMatch& match, LoadContext& context) {
  std::string_view action;
  for (const std::string_view key : kActions) {
    if (in.Has(key) && action.empty()) {
      action = key;
    } else if (in.Has(key)) {
      in.Error(key, "can't stand beside \"" + std::string(action) +
                        "\": a route has exactly one of cluster, split, redirect, respond");
    }
  }
  if (action.empty()) {
    in.Error("the route does nothing: it needs one of cluster, split, redirect, respond");
  }
  const bool forwards = action.empty() || action == "cluster" || action == "split";
  for (const std::string_view key : kForwardOnly) {
    if (!forwards && in.Has(key)) {
      in.Error(key, "belongs to routes with cluster or split, this one has " + std::string(action));
    }
  }
  // All are read, so that one run reports all mistakes.
  Forward forward = LoadForward(in, match, context);
  RouteAction out;
  const Value redirect =
      in.Get("redirect", "Answers with another place to ask; parts left out stay as they are.");
  const Value respond = in.Get("respond", config::About("Answers from here, without a cluster.")
                                              .Example("{status: 200, body: \"pong\\n\"}"));
  if (redirect.present()) {
    out = Seldom<Redirect>(LoadRedirect(redirect.Map(), match, context));
  }
  if (respond.present()) {
    Object fields = respond.Map();
    Respond loaded = LoadRespond(fields);
    if (action == "respond") {
      out = Seldom<Respond>(std::move(loaded));
    }
  }
  if (forwards) {
    out = std::move(forward);
  }
  return out;
}

}  // namespace gatehouse::route
