// SPDX-License-Identifier: Apache-2.0
// The `routes:` of a text in a test, loaded into a table, with the diagnostics as lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/document.h"
#include "source/route/route_config.h"
#include "source/route/route_table.h"
#include "test/route/request.h"

namespace gatehouse::route {

// Knows the listeners web (0) and websecure (1) and the clusters users (0) and orders (1).
class LoadedRoutes {
 public:
  explicit LoadedRoutes(std::string_view text) {
    config::Diagnostics diagnostics;
    const std::unique_ptr<config::Document> document =
        config::Document::Parse("f.yaml", text, config::ProcessEnvironment(), diagnostics);
    {
      config::Object root = document->Root();
      const RouteNames names{{"web", "websecure"}, {"users", "orders"}};
      loaded_ = LoadRoutes(root.List("routes", "Routes."), names, used_clusters_);
      for (const LoadedRoute& one : loaded_) {
        filters_.push_back(one.filters.size());
      }
    }
    errors_ = diagnostics.ToText();
    std::vector<std::shared_ptr<const Route>> routes;
    for (LoadedRoute& one : loaded_) {
      one.filters.clear();  // They don't outlive the document.
      routes.push_back(one.route);
    }
    table_ = std::make_unique<RouteTable>(std::move(routes));
  }

  // Errors and warnings, one a line; empty when all is well.
  const std::string& Errors() const { return errors_; }
  const RouteTable& table() const { return *table_; }
  const Route& at(size_t i) const { return *loaded_[i].route; }
  const LoadedRoute& loaded(size_t i) const { return loaded_[i]; }
  size_t filters(size_t i) const { return filters_[i]; }
  size_t size() const { return loaded_.size(); }
  const std::vector<bool>& used_clusters() const { return used_clusters_; }

  // The name of the route that takes `request`, "none" without one.
  std::string Match(const Request& request) const {
    const Route* route = table_->Match(request.Facts());
    return route == nullptr ? "none" : route->name;
  }
  std::string Match(std::string_view target, std::string_view host = "api.example.com") const {
    return Match(Request(target, host));
  }

 private:
  std::string errors_;
  std::vector<LoadedRoute> loaded_;
  std::vector<size_t> filters_;
  std::vector<bool> used_clusters_;
  std::unique_ptr<RouteTable> table_;
};

// A table of one route that answers 200 under `match`, in flow style: "{path: /a}".
inline LoadedRoutes Matching(std::string_view match) {
  return LoadedRoutes("routes: [{name: r, match: " + std::string(match) +
                      ", respond: {status: 200}}]");
}

}  // namespace gatehouse::route
