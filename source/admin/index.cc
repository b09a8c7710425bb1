// SPDX-License-Identifier: Apache-2.0
// GET /: what there is. And the table of all pages.
#include <algorithm>
#include <array>
#include <string>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"

namespace gatehouse::admin {
namespace {

constexpr Verb kGet = Verb::kGet;
constexpr Verb kPost = Verb::kPost;

constexpr std::array kEndpoints{
    Endpoint{kGet, "/", "", "this page", false, GetIndex},
    Endpoint{kGet, "/healthz", "", "200 while the process lives", true, GetHealth},
    Endpoint{kGet, "/readyz", "", "200 while new requests are welcome", true, GetReadiness},
    Endpoint{kGet, "/metrics", "", "all metrics, for Prometheus", false, GetMetrics},
    Endpoint{kGet, "/stats", "?filter=TEXT", "the same as JSON", false, GetStats},
    Endpoint{kGet, "/server", "", "version, state, workers", false, GetServer},
    Endpoint{kGet, "/listeners", "", "addresses, as bound", false, GetListeners},
    Endpoint{kGet, "/certs", "", "certificates, until when, and their files", false, GetCerts},
    Endpoint{kGet, "/routes", "", "what is matched, and what happens then", false, GetRoutes},
    Endpoint{kGet, "/route", "?method=GET&url=URL&header=NAME:VALUE",
             "which route would take a request, and why", false, GetRouteTest},
    Endpoint{kGet, "/clusters", "", "endpoints, limits, counts", false, GetClusters},
    Endpoint{kPost, "/clusters/*/breaker", "?state=open|closed|auto&labels=KEY=VALUE&for=30s",
             "opens or closes a circuit, or lets it decide", false, PostBreaker},
    Endpoint{kGet, "/filters", "", "named filters, and where they are used", false, GetFilters},
    Endpoint{kGet, "/filters/*", "", "one of them, and what it knows", false, GetFilter},
    Endpoint{kGet, "/filters/*/*", "", "a page of its own, such as entries", false, GetFilterPage},
    Endpoint{kPost, "/filters/*/*", "", "changes what that page shows", false, PostFilterPage},
    Endpoint{kGet, "/config", "", "what is served, with defaults, secrets redacted", false,
             GetConfig},
    Endpoint{kGet, "/config/status", "", "epoch, last reload and its diagnostics", false,
             GetConfigStatus},
    Endpoint{kPost, "/config/validate", "", "check the YAML in the body", false, PostValidate},
    Endpoint{kPost, "/reload", "", "load the configuration anew", false, PostReload},
    Endpoint{kPost, "/drain", "", "finish what is under way, then exit", false, PostDrain},
    Endpoint{kPost, "/quit", "", "exit now", false, PostQuit},
    Endpoint{kGet, "/logging", "", "the level of the operational log", false, GetLogging},
    Endpoint{kPost, "/logging", "?level=debug", "change it: debug, info, warning, error, off",
             false, PostLogging},
};

}  // namespace

std::span<const Endpoint> Endpoints() { return kEndpoints; }

void GetIndex(Call& call) {
  constexpr size_t kColumn = 46;
  std::string text = "gatehouse " + call.server.Facts().version + "\n\n";
  for (const Endpoint& endpoint : kEndpoints) {
    std::string line(endpoint.verb == kGet ? "GET   " : "POST  ");
    line.append(endpoint.path).append(endpoint.parameters);
    line.resize(std::max(line.size() + 2, kColumn), ' ');
    text.append(line).append(endpoint.help).append("\n");
  }
  call.Send(TextResponse(std::move(text)));
}

}  // namespace gatehouse::admin
