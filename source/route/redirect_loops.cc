// SPDX-License-Identifier: Apache-2.0
#include "source/route/redirect_loops.h"

#include <algorithm>
#include <string_view>
#include <variant>

#include "source/route/rewrite.h"
#include "source/route/route_table.h"

namespace gatehouse::route {
namespace {

bool IsPlain(const RouteMatch& match, const Redirect& redirect) {
  const bool knows_listener = redirect.scheme.empty() || match.conditions->listeners.empty();
  const bool knows_path = match.path_kind != PathKind::kRegex || !redirect.path.empty();
  return knows_listener && knows_path && redirect.port == 0 && match.conditions->methods.empty() &&
         match.conditions->headers.empty() && match.conditions->query.empty() &&
         match.conditions->cookies.empty() && match.conditions->client_ip.empty();
}

// A request that `match`, which is plain, takes.
void MakeRequest(const RouteMatch& match, Arena& arena, http::RequestHead& out) {
  const std::string_view host =
      match.hosts.empty() ? std::string_view("example.com") : std::string_view(match.hosts.front());
  out.host = host.starts_with("*.") ? arena.Concat("www", host.substr(1)) : host;
  out.authority = out.host;
  out.scheme = match.conditions->scheme.empty() ? std::string_view("http")
                                                : std::string_view(match.conditions->scheme);
  out.method_name = "GET";
  const bool has_path = match.path_kind == PathKind::kExact || match.path_kind == PathKind::kPrefix;
  out.path = has_path ? std::string_view(match.path) : std::string_view("/");
  out.target = out.path;
}

std::string Url(const http::RequestHead& head) {
  return std::string(head.scheme) + "://" + std::string(head.host) + std::string(head.path);
}

// Turns `head` into the request that a client makes next.
void Follow(const Redirect& redirect, const RouteMatch& match, Arena& arena,
            http::RequestHead& head) {
  Redirect path_only;
  path_only.path = redirect.path;
  path_only.prefix = redirect.prefix;
  head.path = RedirectLocation(path_only, match, head, arena);
  head.target = head.path;
  if (!redirect.scheme.empty()) {
    head.scheme = redirect.scheme;
  }
  if (!redirect.host.empty()) {
    head.host = redirect.host;
    head.authority = head.host;
  }
}

}  // namespace

std::vector<RedirectLoop> FindRedirectLoops(
    const std::vector<std::shared_ptr<const Route>>& routes) {
  std::vector<RedirectLoop> out;
  const auto is_redirect = [](const std::shared_ptr<const Route>& route) {
    return route->redirect() != nullptr;
  };
  if (std::none_of(routes.begin(), routes.end(), is_redirect)) {
    return out;
  }
  const RouteTable table(routes);
  ArenaPool pool;
  for (uint32_t position = 0; position < routes.size(); ++position) {
    const Route& route = *routes[position];
    const Redirect* redirect = route.redirect();
    if (redirect == nullptr || !IsPlain(route.match, *redirect)) {
      continue;
    }
    Arena arena(pool);
    http::RequestHead head(arena);
    MakeRequest(route.match, arena, head);
    const std::vector<uint32_t>& listeners = route.match.conditions->listeners;
    const uint32_t listener = listeners.empty() ? 0 : listeners.front();
    const RequestFacts request{head, listener, {}};
    if (table.Match(request) != &route) {
      continue;  // Another route takes what was thought of.
    }
    const std::string from = Url(head);
    Follow(*redirect, route.match, arena, head);
    if (table.Match(request) == &route) {
      out.push_back({position, from, Url(head)});
    }
  }
  return out;
}

}  // namespace gatehouse::route
