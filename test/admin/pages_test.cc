// SPDX-License-Identifier: Apache-2.0
// The pages that show a configuration: one that was really loaded.
#include <gtest/gtest.h>

#include "source/filters/builtin.h"
#include "source/server/config_loader.h"
#include "test/admin/fake_server.h"

namespace gatehouse::admin {
namespace {

constexpr char kConfig[] = R"(
version: 1
listeners:
  - {name: web, address: 127.0.0.1:8080, filters: [mark]}
  - {name: inner, address: 127.0.0.1:8081}
filters:
  mark: {type: headers, response: {set: {x-mark: "1"}}, required: true}
  only: {type: ip_access, allow: [10.0.0.0/8]}
clusters:
  users:
    endpoints:
      - {address: 10.0.0.1:80, weight: 3, labels: {version: v2, zone: a}}
      - 10.0.0.2:80
    limits: {max_requests: 7}
  hosts: {endpoints: [orders.internal:80]}
routes:
  - name: users
    match:
      hosts: [api.example.com, "*.example.org"]
      path_prefix: /users
      methods: [GET, POST]
      headers: {x-release: canary, x-any: {present: true}, x-none: {present: false}, x-p: {prefix: a}}
      query: {debug: {regex: "[01]"}}
      cookies: {zone: {contains: b}}
      client_ip: [10.0.0.0/8, "fd00::/8"]
      listeners: [web]
    split:
      - {cluster: users, labels: {version: v2}, weight: 90}
      - {cluster: hosts, weight: 10}
    filters: [only]
    rewrite: {strip_prefix: /users, headers: {set: {x-via: gatehouse}, remove: [x-internal]}}
  - {match: {path: /old}, redirect: {path: /new, status: 308}}
  - {match: {path_regex: "/p[0-9]+"}, respond: {status: 204}}
)";

class PagesTest : public testing::Test {
 protected:
  PagesTest() {
    server::LoadRequest request;
    request.name = "test.yaml";
    request.text = kConfig;
    request.environment = config::ProcessEnvironment();
    request.catalog = &catalog_;
    request.metrics = &server_.metrics;
    request.next_cluster_id = &cluster_id_;
    request.next_listener_id = &listener_id_;
    const auto loaded = server::LoadConfig(request);
    EXPECT_TRUE(loaded->diagnostics.ok()) << loaded->diagnostics.ToText();
    server_.snapshot = loaded->snapshot;
  }

  nlohmann::json Get(const std::string& target, uint16_t status = 200) {
    const auto answer = Ask(admin_, {.method = "GET", .target = target});
    EXPECT_EQ(answer->response.status, status) << target;
    EXPECT_EQ(answer->response.content_type, "application/json");
    return answer->json();
  }

  const pipeline::Catalog catalog_ = BuiltinFilters();
  uint32_t cluster_id_ = 0;
  uint32_t listener_id_ = 0;
  FakeServer server_;
  observe::MetricTable& table_ = server_.metrics.AddTable();
  Admin admin_{server_};
};

TEST_F(PagesTest, RoutesInTheWordsOfTheConfiguration) {
  table_.Add(server_.snapshot->route_metrics[0][proxy::RouteMetric::kRequests], 5);
  const auto routes = Get("/routes")["routes"];
  ASSERT_EQ(routes.size(), 3u);
  const auto& users = routes[0];
  EXPECT_EQ(users["name"], "users");
  EXPECT_EQ(users["requests"], 5);
  EXPECT_EQ(users["match"], nlohmann::json::parse(R"({
    "hosts": ["api.example.com", "*.example.org"], "path_prefix": "/users",
    "methods": ["GET", "POST"],
    "headers": {"x-release": "canary", "x-any": {"present": true}, "x-none": {"present": false},
                "x-p": {"prefix": "a"}},
    "query": {"debug": {"regex": "[01]"}}, "cookies": {"zone": {"contains": "b"}},
    "client_ip": ["10.0.0.0/8", "fd00::/8"], "listeners": ["web"]})"));
  EXPECT_EQ(users["forward"], nlohmann::json::parse(R"([
    {"cluster": "users", "labels": {"version": "v2"}, "weight": 90},
    {"cluster": "hosts", "labels": {}, "weight": 10}])"));
  EXPECT_EQ(users["rewrite"], nlohmann::json::parse(R"({"strip_prefix": "/users",
    "headers": {"set": {"x-via": "gatehouse"}, "remove": ["x-internal"]}})"));
  EXPECT_EQ(users["filters"], nlohmann::json::parse(R"({"web": ["mark", "only"]})"));
  EXPECT_EQ(routes[1]["redirect"], nlohmann::json::parse(R"({"status": 308, "path": "/new"})"));
  EXPECT_EQ(routes[1]["match"], nlohmann::json::parse(R"({"path": "/old"})"));
  EXPECT_EQ(routes[2]["match"], nlohmann::json::parse(R"({"path_regex": "/p[0-9]+"})"));
  EXPECT_EQ(routes[2]["respond"]["status"], 204);
  EXPECT_EQ(routes[2]["filters"], nlohmann::json::parse(R"({"web": ["mark"], "inner": []})"));
}

TEST_F(PagesTest, ClustersWithEndpointsAndHosts) {
  server_.hosts = {{"orders.internal", {"10.1.0.1"}, "timed out"}};
  const auto& users = server_.snapshot->clusters[0];
  ASSERT_TRUE(users->requests.TryAcquire(7));
  table_.Add(users->metrics()[upstream::ClusterMetric::kRequests], 4);
  const auto clusters = Get("/clusters")["clusters"];
  ASSERT_EQ(clusters.size(), 2u);
  EXPECT_EQ(clusters[0]["name"], "users");
  EXPECT_EQ(clusters[0]["endpoints"], nlohmann::json::parse(R"([
    {"address": "10.0.0.1:80", "weight": 3, "labels": {"version": "v2", "zone": "a"}},
    {"address": "10.0.0.2:80", "weight": 1, "labels": {}}])"));
  EXPECT_EQ(clusters[0]["limits"]["requests"], nlohmann::json::parse(R"({"used": 1, "max": 7})"));
  EXPECT_EQ(clusters[0]["requests"], 4);
  EXPECT_EQ(clusters[1]["hosts"], nlohmann::json::parse(R"([
    {"hostname": "orders.internal", "addresses": ["10.1.0.1"], "error": "timed out"}])"));
  EXPECT_EQ(clusters[1]["endpoints"].size(), 0u);
}

TEST_F(PagesTest, ListenersAsBound) {
  server_.bound = {{server_.snapshot->listeners[0].id, "127.0.0.1:40000", 2}};
  table_.Add(server_.snapshot->listeners[0].metrics[proxy::ListenerMetric::kResponses2xx], 9);
  const auto listeners = Get("/listeners")["listeners"];
  EXPECT_EQ(listeners[0]["name"], "web");
  EXPECT_EQ(listeners[0]["address"], "127.0.0.1:40000");
  EXPECT_EQ(listeners[0]["configured"], "127.0.0.1:8080");
  EXPECT_EQ(listeners[0]["sockets"], 2);
  EXPECT_EQ(listeners[0]["filters"], nlohmann::json::parse(R"(["mark"])"));
  EXPECT_EQ(listeners[0]["responses"]["2xx"], 9);
  EXPECT_EQ(listeners[1]["sockets"], 0);
}

TEST_F(PagesTest, FiltersAndWhereTheyStand) {
  const auto filters = Get("/filters")["filters"];
  EXPECT_EQ(filters, nlohmann::json::parse(R"([
    {"name": "mark", "type": "headers", "required": true, "listeners": ["web"], "routes": 3},
    {"name": "only", "type": "ip_access", "required": false, "listeners": [], "routes": 1}])"));
}

TEST_F(PagesTest, OneFilter) {
  const auto filter = Get("/filters/mark");
  EXPECT_EQ(filter["name"], "mark");
  EXPECT_EQ(filter["type"], "headers");
  EXPECT_TRUE(filter["required"]);
  EXPECT_EQ(Get("/filters/m%61rk")["name"], "mark");
}

TEST_F(PagesTest, FiltersAndPagesThatAreNotThere) {
  for (const std::string path : {"/filters/none", "/filters/none/entries"}) {
    EXPECT_EQ(Get(path, 404)["error"], "no_filter") << path;
  }
  for (const std::string path :
       {"/filters/mark/nothing", "/filters/", "/filters//x", "/filters/mark/x/y", "/filter/mark"}) {
    EXPECT_EQ(Get(path, 404)["error"], "not_found") << path;
  }
}

}  // namespace
}  // namespace gatehouse::admin
