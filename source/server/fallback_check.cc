// SPDX-License-Identifier: Apache-2.0
#include "source/server/fallback_check.h"

#include <algorithm>

#include "source/pipeline/filter.h"

namespace gatehouse::server {
namespace {

bool Limits(const pipeline::Chain* chain) {
  return chain != nullptr &&
         std::any_of(chain->definitions().begin(), chain->definitions().end(), [](const auto& one) {
           return one->type == "rate_limit" || one->type == "concurrency";
         });
}

// `fallback.when` of the route.
config::Value When(const config::Value& route) {
  config::Object object = route.Map();
  object.Unchecked();
  config::Object fallback = object.Child("fallback", "");
  fallback.Unchecked();
  return fallback.Get("when", "");
}

}  // namespace

void WarnOfUnlimitedFallbacks(const std::vector<config::Value>& section,
                              const LoadedSections& sections) {
  for (size_t i = 0; i < sections.routes.size() && i < section.size(); ++i) {
    const route::Route& route = *sections.routes[i].route;
    if (!route.fallback.has_value() || !route.fallback->For(route::FallbackReason::kRateLimited)) {
      continue;
    }
    const bool limited =
        std::any_of(sections.chains.begin(), sections.chains.end(),
                    [&](const auto& chains) { return Limits(chains.by_route[i]); });
    if (!limited && !sections.chains.empty()) {
      When(section[i])
          .Warning(
              "has rate_limited, but no rate_limit or concurrency filter stands before this route");
    }
  }
}

}  // namespace gatehouse::server
