// SPDX-License-Identifier: Apache-2.0
// The pages of the admin endpoint: each subject is a file, all are lines of one table.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/admin/query.h"
#include "source/admin/server_view.h"
#include "source/proxy/handler.h"

namespace gatehouse::admin {

// One request that may be served. During the call only, but for `server` and `reply`, which may be
// kept.
struct Call {
  const proxy::HandlerRequest& request;
  const Query& query;
  ServerView& server;
  std::shared_ptr<proxy::HandlerReply> reply;
  // What stands in the path for each `*` of Endpoint::path, decoded.
  std::vector<std::string> names{};

  void Send(proxy::HandlerResponse response) { reply->Send(std::move(response)); }
};

enum class Verb : uint8_t { kGet, kPost };

struct Endpoint {
  Verb verb;
  std::string_view path;        // "*" as a segment stands for any one that is not empty.
  std::string_view parameters;  // For the index: "?filter="
  std::string_view help;
  bool open;  // Needs no token: probes of orchestrators have none.
  void (*handle)(Call& call);
};

// In the order in which the index shows them. A path may have one line per verb.
std::span<const Endpoint> Endpoints();

void GetIndex(Call& call);   // index.cc
void GetHealth(Call& call);  // health.cc
void GetReadiness(Call& call);
void GetMetrics(Call& call);  // stats.cc
void GetStats(Call& call);
void GetServer(Call& call);     // server.cc
void GetListeners(Call& call);  // listeners.cc
void GetCerts(Call& call);      // certs.cc
void GetRoutes(Call& call);     // routes.cc
void GetRouteTest(Call& call);  // route_test.cc
void GetClusters(Call& call);   // clusters.cc
void PostBreaker(Call& call);   // breakers.cc
void GetFilters(Call& call);    // filters.cc
void GetFilter(Call& call);
void GetFilterPage(Call& call);
void PostFilterPage(Call& call);
void GetConfig(Call& call);  // config.cc
void GetConfigStatus(Call& call);
void PostValidate(Call& call);
void PostReload(Call& call);
void GetLogging(Call& call);  // logging.cc
void PostLogging(Call& call);
void PostDrain(Call& call);  // lifecycle.cc
void PostQuit(Call& call);

}  // namespace gatehouse::admin
