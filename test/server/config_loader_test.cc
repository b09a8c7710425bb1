// SPDX-License-Identifier: Apache-2.0
#include "source/server/config_loader.h"

#include <gtest/gtest.h>

#include "test/server/loading.h"

namespace gatehouse::server {
namespace {

constexpr char kBase[] = R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, filters: [log]}
  - {name: internal, address: 127.0.0.1:8081}
filters:
  log: {type: access_log, path: stdout}
  small: {type: max_body, max_bytes: 1KiB}
clusters:
  users: {endpoints: [10.0.0.1:9000]}
  orders: {endpoints: [orders.internal:9000, 10.0.0.2:9000]}
routes:
  - {name: users, match: {path_prefix: /users}, cluster: users, filters: [small]}
  - {match: {path_prefix: /orders}, cluster: orders}
  - {match: {path_prefix: /internal, listeners: [internal]}, cluster: orders}
)";

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), with);
}

size_t Filters(const pipeline::Chain* chain) { return chain == nullptr ? 99 : chain->size(); }

TEST(ConfigLoader, BuildsASnapshot) {
  Loading loading;
  const auto loaded = loading.Load(kBase);
  ASSERT_NE(loaded->snapshot, nullptr) << loaded->diagnostics.ToText();
  EXPECT_EQ(loaded->diagnostics.ToText(), "");
  const proxy::Snapshot& snapshot = *loaded->snapshot;
  EXPECT_EQ(snapshot.epoch, 1u);
  ASSERT_EQ(snapshot.listeners.size(), 2u);
  EXPECT_EQ(snapshot.listeners[0].settings->name, "web");
  EXPECT_EQ(snapshot.listeners[0].id, 0u);
  EXPECT_EQ(snapshot.listeners[1].id, 1u);
  ASSERT_EQ(snapshot.clusters.size(), 2u);
  EXPECT_EQ(snapshot.clusters[1]->id(), 1u);
  EXPECT_EQ(snapshot.routes->routes().size(), 3u);
  EXPECT_EQ(snapshot.route_positions[1].line, 13u);
  EXPECT_EQ(loaded->runtime.workers, 0u);
  EXPECT_FALSE(loaded->admin.enabled);
}

TEST(ConfigLoader, CompilesTheChainOfEachListenerAndRoute) {
  Loading loading;
  const auto loaded = loading.Load(kBase);
  ASSERT_NE(loaded->snapshot, nullptr);
  const proxy::ListenerPlan& web = loaded->snapshot->listeners[0];
  const proxy::ListenerPlan& internal = loaded->snapshot->listeners[1];
  EXPECT_EQ(Filters(web.no_route), 1u);
  EXPECT_EQ(Filters(web.chains[0]), 2u);
  EXPECT_EQ(web.chains[1], web.no_route);
  EXPECT_EQ(web.chains[2], nullptr);
  EXPECT_EQ(Filters(internal.no_route), 0u);
  EXPECT_EQ(Filters(internal.chains[0]), 1u);
  EXPECT_EQ(Filters(internal.chains[2]), 0u);
}

TEST(ConfigLoader, AddressesAreEndpointsAtOnceAndHostnamesAreNot) {
  Loading loading;
  const auto loaded = loading.Load(kBase);
  ASSERT_NE(loaded->snapshot, nullptr);
  EXPECT_EQ(loaded->snapshot->clusters[0]->endpoints()->endpoints.size(), 1u);
  const auto orders = loaded->snapshot->clusters[1]->endpoints();
  ASSERT_EQ(orders->endpoints.size(), 1u);
  EXPECT_EQ(orders->endpoints[0]->name, "10.0.0.2:9000");
}

TEST(ConfigLoader, AReloadKeepsWhatDidNotChange) {
  Loading loading;
  const auto first = loading.Load(kBase);
  const std::string changed = Replaced(kBase, "[10.0.0.1:9000]", "[10.0.0.9:9000]");
  const auto second = loading.Load(changed, first->snapshot.get());
  ASSERT_NE(second->snapshot, nullptr) << second->diagnostics.ToText();
  EXPECT_NE(second->snapshot->clusters[0], first->snapshot->clusters[0]);
  EXPECT_EQ(second->snapshot->clusters[0]->id(), 2u);
  EXPECT_EQ(second->snapshot->clusters[1], first->snapshot->clusters[1]);
  EXPECT_EQ(second->snapshot->listeners[0].connections, first->snapshot->listeners[0].connections);
  const auto log = first->snapshot->filters->definitions().find("log")->second;
  EXPECT_EQ(second->snapshot->filters->definitions().find("log")->second, log);
}

TEST(ConfigLoader, ClustersKeepTheirObjectWhenTheyMove) {
  Loading loading;
  const auto first = loading.Load(kBase);
  const std::string swapped =
      Replaced(Replaced(kBase, "  users: {endpoints: [10.0.0.1:9000]}\n", ""),
               "routes:", "  users: {endpoints: [10.0.0.1:9000]}\nroutes:");
  const auto second = loading.Load(swapped, first->snapshot.get());
  ASSERT_NE(second->snapshot, nullptr) << second->diagnostics.ToText();
  EXPECT_EQ(second->snapshot->clusters[0], first->snapshot->clusters[1]);
  EXPECT_EQ(second->snapshot->clusters[1], first->snapshot->clusters[0]);
  const auto& forward = std::get<route::Forward>(second->snapshot->routes->routes()[0]->action);
  EXPECT_EQ(forward.arms[0].cluster, 1u);
}

TEST(ConfigLoader, ListenersKeepTheirIdWithTheirAddress) {
  Loading loading;
  const auto first = loading.Load(kBase);
  std::string text = Replaced(kBase, "name: web", "name: front");
  text = Replaced(text, "127.0.0.1:8081", "127.0.0.1:8082");
  const auto second = loading.Load(text, first->snapshot.get());
  ASSERT_NE(second->snapshot, nullptr) << second->diagnostics.ToText();
  EXPECT_EQ(second->snapshot->listeners[0].id, 0u);
  EXPECT_EQ(second->snapshot->listeners[1].id, 2u);
}

TEST(ConfigLoader, ListenersThatShareAnAddressAreToldApartByName) {
  const std::string one = "  - {name: a, address: 127.0.0.1:0}\n";
  const std::string two = "  - {name: b, address: 127.0.0.1:0}\n";
  const std::string rest = "routes: [{match: {path: /}, respond: {status: 200}}]\n";
  Loading loading;
  const auto first = loading.Load("listeners:\n" + one + two + rest);
  const auto second = loading.Load("listeners:\n" + two + one + rest, first->snapshot.get());
  ASSERT_NE(second->snapshot, nullptr) << second->diagnostics.ToText();
  EXPECT_EQ(second->snapshot->listeners[0].id, 1u);
  EXPECT_EQ(second->snapshot->listeners[1].id, 0u);
}

TEST(ConfigLoader, MistakesLeaveNoSnapshotAndTakeNoIds) {
  Loading loading;
  const auto bad = loading.Load(Replaced(kBase, "cluster: users", "cluster: user"));
  EXPECT_EQ(bad->snapshot, nullptr);
  EXPECT_EQ(bad->effective, "");
  EXPECT_EQ(bad->diagnostics.errors(), 1u);
  const auto good = loading.Load(kBase);
  EXPECT_EQ(good->snapshot->clusters[0]->id(), 0u);
}

TEST(ConfigLoader, ACheckCountsAndNumbersNothing) {
  Loading loading;
  loading.activate = false;
  ASSERT_NE(loading.Load(kBase)->snapshot, nullptr);
  EXPECT_EQ(loading.metrics.Prometheus(), "");
  loading.activate = true;
  EXPECT_EQ(loading.Load(kBase)->snapshot->clusters[0]->id(), 0u);
}

TEST(ConfigLoader, SeriesBearTheNamesOfTheConfiguration) {
  Loading loading;
  const auto loaded = loading.Load(kBase);
  observe::MetricTable& table = loading.metrics.AddTable();
  table.Add(loaded->snapshot->listeners[0].metrics[proxy::ListenerMetric::kRequests], 3);
  table.Add(loaded->snapshot->route_metrics[0][proxy::RouteMetric::kRequests], 2);
  table.Add(loaded->snapshot->route_metrics[1][proxy::RouteMetric::kRequests], 1);
  table.Add(loaded->snapshot->route_metrics[2][proxy::RouteMetric::kRequests], 1);
  const auto& metrics = loading.metrics;
  EXPECT_EQ(metrics.Sum("gatehouse_listener_requests_total", {{"listener", "web"}}), 3);
  EXPECT_EQ(metrics.Sum("gatehouse_route_requests_total", {{"route", "users"}}), 2);
  EXPECT_EQ(metrics.Sum("gatehouse_route_requests_total", {{"route", "(unnamed)"}}), 2);
}

TEST(ConfigLoader, ReadsRuntime) {
  Loading loading;
  const auto loaded = loading.Load(std::string(kBase) + R"(
runtime:
  workers: 3
  drain_timeout: 10s
  shutdown_delay: 2s
  state_dir: data
  log_level: warning
  dns: {servers: [10.0.0.2, "10.0.0.3:5353", "::1", "[::1]:54"], timeout: 1s, min_ttl: 2s, max_ttl: 3s}
)");
  ASSERT_NE(loaded->snapshot, nullptr) << loaded->diagnostics.ToText();
  const RuntimeSettings& runtime = loaded->runtime;
  EXPECT_EQ(runtime.workers, 3u);
  EXPECT_EQ(runtime.drain_timeout, std::chrono::seconds(10));
  EXPECT_EQ(runtime.shutdown_delay, std::chrono::seconds(2));
  EXPECT_EQ(runtime.state_dir, "data");
  EXPECT_EQ(runtime.log_level, "warning");
  const std::vector<std::string> servers = {"10.0.0.2:53", "10.0.0.3:5353", "[::1]:53", "[::1]:54"};
  EXPECT_EQ(runtime.dns.servers, servers);
  EXPECT_EQ(runtime.dns.timeout, std::chrono::seconds(1));
  EXPECT_EQ(runtime.dns.min_ttl, std::chrono::seconds(2));
  EXPECT_EQ(runtime.dns.max_ttl, std::chrono::seconds(3));
  EXPECT_EQ(WorkerCount(loaded->runtime), 3u);
  EXPECT_GE(WorkerCount(RuntimeSettings()), 1u);
}

TEST(ConfigLoader, ReadsAdmin) {
  Loading loading;
  loading.variables = {{"READ", "r1"}, {"EMPTY", ""}};
  const auto loaded = loading.Load(std::string(kBase) + R"(
admin:
  address: 0.0.0.0:9901
  insecure: true
  tokens: {read: ["${READ}", "${EMPTY:-}"], write: [w1, w2]}
)");
  ASSERT_NE(loaded->snapshot, nullptr) << loaded->diagnostics.ToText();
  EXPECT_TRUE(loaded->admin.enabled);
  EXPECT_TRUE(loaded->admin.insecure);
  EXPECT_EQ(loaded->admin.listener.address.ToString(), "0.0.0.0:9901");
  EXPECT_EQ(loaded->admin.read_tokens, (std::vector<std::string>{"r1"}));
  EXPECT_EQ(loaded->admin.write_tokens, (std::vector<std::string>{"w1", "w2"}));
}

TEST(ConfigLoader, AdminWithoutAValueIsAtItsUsualAddress) {
  Loading loading;
  const auto loaded = loading.Load(std::string(kBase) + "admin: {}\n");
  ASSERT_NE(loaded->snapshot, nullptr) << loaded->diagnostics.ToText();
  EXPECT_TRUE(loaded->admin.enabled);
  EXPECT_EQ(loaded->admin.listener.address.ToString(), "127.0.0.1:9901");
}

TEST(ConfigLoader, FiltersOfRoutesAreCheckedWithoutListenersToo) {
  Loading loading;
  const auto loaded = loading.Load(
      "listeners: []\nroutes: [{match: {path: /}, respond: {status: 200}, filters: [jwt]}]\n");
  const std::string text = loaded->diagnostics.ToText();
  EXPECT_NE(text.find("needs at least one listener"), text.npos) << text;
  EXPECT_NE(text.find("unknown filter \"jwt\""), text.npos) << text;
}

}  // namespace
}  // namespace gatehouse::server
