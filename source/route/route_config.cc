// SPDX-License-Identifier: Apache-2.0
// routes:
//   - name: users
//     match: {...}           match_config.cc
//     cluster: users         action_config.cc; or split, redirect, respond
//     timeouts: {response_headers: 3s, idle: 30s, total: 30s}
//     fallback: {...}        fallback_config.cc
//     filters: [jwt]
#include "source/route/route_config.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "source/route/action_config.h"
#include "source/route/fallback_config.h"
#include "source/route/load_context.h"
#include "source/route/match_config.h"
#include "source/route/redirect_loops.h"
#include "source/route/shadow.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

constexpr Duration kMaxTimeout = std::chrono::hours(24);
constexpr size_t kMaxShadowWarnings = 100;
constexpr size_t kMaxTakersNamed = 3;

RouteTimeouts LoadTimeouts(Object in) {
  const RouteTimeouts defaults;
  const auto read = [&](std::string_view key, Duration def, std::string_view help) {
    return in.Time(key, {.def = def, .min = Duration::zero(), .max = kMaxTimeout}, help);
  };
  RouteTimeouts out;
  out.response_headers = read(
      "response_headers", defaults.response_headers,
      "How long the cluster may take from the whole request to its answer's head; 0s: no limit.");
  out.idle =
      read("idle", defaults.idle,
           "How long neither side may send anything while a body is on its way; 0s: no limit.");
  out.total = read("total", defaults.total,
                   "How long all of it may take; gRPC streams and upgrades skip it; 0s: no limit.");
  return out;
}

// Reads one section: the routes in turn, and what can only be seen of all of them.
class SectionLoader {
 public:
  SectionLoader(const std::vector<Value>& section, const RouteNames& names,
                std::vector<bool>& used_clusters)
      : section_(section), context_(names, used_clusters) {}

  std::vector<LoadedRoute> Run() && {
    if (section_.empty()) {
      return {};
    }
    Object any = section_.front().Map();
    any.Unchecked();
    diagnostics_ = &any.diagnostics();
    const size_t errors = diagnostics_->errors();
    out_.reserve(section_.size());
    for (const Value& value : section_) {
      LoadRoute(value);
    }
    if (diagnostics_->errors() == errors) {  // Else routes may match more than they say.
      WarnOfUnreachedAndLoops();
    }
    return std::move(out_);
  }

 private:
  void LoadRoute(const Value& value) {
    Object in = value.Map();
    auto route = std::make_shared<Route>();
    route->index = static_cast<uint32_t>(out_.size());
    route->name = LoadName(in);
    route->match = LoadMatch(in.Child("match",
                                      "What a request must be like, in all the parts given; "
                                      "without any, every request matches."),
                             context_);
    route->action = LoadAction(in, route->match, context_);
    route->timeouts = LoadTimeouts(in.Child("timeouts", "Limits on the time a request takes."));
    Object fallback = in.Child("fallback",
                               "What is answered instead of an error: a fixed answer, or what "
                               "another cluster says.");
    if (const Forward* forward = route->forward(); fallback.present() && forward != nullptr) {
      route->fallback = LoadFallback(std::move(fallback), *forward, context_);
    } else {
      fallback.Unchecked();  // Absent, or reported with the other keys of routes that forward.
    }
    in.NotSupportedYet({"selectors", "label_match", "no_match", "no_selector", "retry"});
    LoadedRoute loaded;
    loaded.filters = in.List("filters",
                             "Filters for this route, after those of the listener: a name, "
                             "`{use: NAME}` with keys that replace the filter's own, `{any_of: "
                             "[NAME, ...]}` for filters of which one must let the request in, or "
                             "`{skip: NAME}` for one of the listener's.");
    loaded.position = value.position();
    loaded.route = std::move(route);
    out_.push_back(std::move(loaded));
  }

  std::string LoadName(Object& in) {
    const Value value = in.Get("name",
                               "Name of the route in logs, metrics and the admin endpoint, without "
                               "spaces; left out, `routes[N]`. Those share one metric series.");
    std::string name = value.String();
    if (!value.IsScalar()) {
      return "routes[" + std::to_string(out_.size()) + "]";
    }
    const bool printable = std::none_of(name.begin(), name.end(), [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
    });
    if (name.starts_with("routes[")) {
      value.Error("names like \"routes[0]\" are those of routes without a name");
      return name;
    }
    if (name.empty() || !printable) {
      value.Error("a name is not empty and has no spaces or control characters");
      return name;
    }
    const auto [other, fresh] = names_.emplace(name, value.position());
    if (!fresh) {
      value.Error("the name \"" + name + "\" is taken by the route at " +
                  diagnostics_->PlaceOf(other->second));
    }
    return name;
  }

  void WarnOfUnreachedAndLoops() {
    std::vector<std::shared_ptr<const Route>> routes;
    routes.reserve(out_.size());
    for (const LoadedRoute& loaded : out_) {
      routes.push_back(loaded.route);
    }
    WarnOfShadowed(routes);
    for (const RedirectLoop& loop : FindRedirectLoops(routes)) {
      section_[loop.position].Warning("redirects to itself: " + loop.from + " is sent to " +
                                      loop.to + ", which this route takes again");
    }
  }

  void WarnOfShadowed(const std::vector<std::shared_ptr<const Route>>& routes) {
    const std::vector<Shadowed> all = FindShadowed(routes);
    for (size_t i = 0; i < all.size() && i < kMaxShadowWarnings; ++i) {
      section_[all[i].position].Warning("never gets a request: " + TakersInWords(all[i].by) +
                                        " before it and take" + (all[i].by.size() == 1 ? "s" : "") +
                                        " all it would match");
    }
    if (all.size() > kMaxShadowWarnings) {
      section_[all[kMaxShadowWarnings].position].Warning(
          std::to_string(all.size() - kMaxShadowWarnings) +
          " routes from here on never get a request either");
    }
  }

  // "users (gatehouse.yaml:12:5) comes"
  std::string TakersInWords(const std::vector<uint32_t>& takers) const {
    std::string out;
    for (size_t i = 0; i < takers.size() && i < kMaxTakersNamed; ++i) {
      const LoadedRoute& taker = out_[takers[i]];
      out += out.empty() ? "" : ", ";
      out += taker.route->name + " (" + diagnostics_->PlaceOf(taker.position) + ")";
    }
    if (takers.size() > kMaxTakersNamed) {
      out += " and " + std::to_string(takers.size() - kMaxTakersNamed) + " more";
    }
    return out + (takers.size() == 1 ? " comes" : " come");
  }

  const std::vector<Value>& section_;
  LoadContext context_;
  config::Diagnostics* diagnostics_ = nullptr;
  std::unordered_map<std::string, config::Position> names_;
  std::vector<LoadedRoute> out_;
};

}  // namespace

std::vector<LoadedRoute> LoadRoutes(const std::vector<Value>& section, const RouteNames& names,
                                    std::vector<bool>& used_clusters) {
  return SectionLoader(section, names, used_clusters).Run();
}

}  // namespace gatehouse::route
