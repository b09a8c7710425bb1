// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/cluster_config.h"

#include <gtest/gtest.h>

#include <optional>

#include "source/config/document.h"

namespace gatehouse::upstream {
namespace {

struct Loaded {
  ClusterSettings settings;
  std::string text;  // Of the diagnostics.
};

// `yaml` is what stands below `users:`, indented by two.
Loaded Load(const std::string& yaml) {
  const config::Environment none = [](std::string_view) { return std::optional<std::string>(); };
  config::Diagnostics diagnostics;
  const auto document = config::Document::Parse("c.yaml", "users:\n" + yaml, none, diagnostics);
  Loaded out;
  {
    config::Object root = document->Root();
    out.settings = LoadCluster("users", root.Child("users", "A cluster."));
  }
  out.text = diagnostics.ToText();
  return out;
}

EndpointSpec Ip(std::string host, uint16_t port, uint32_t weight = 1, LabelSet labels = {}) {
  return {std::move(host), port, false, false, weight, std::move(labels)};
}

TEST(ClusterConfig, Defaults) {
  const Loaded loaded = Load("  endpoints: [10.0.0.4:9002]\n");
  EXPECT_EQ(loaded.text, "");
  ClusterSettings expected;
  expected.name = "users";
  expected.endpoints = {Ip("10.0.0.4", 9002)};
  EXPECT_EQ(loaded.settings, expected);
}

TEST(ClusterConfig, EveryKey) {
  const Loaded loaded = Load(R"(
  endpoints:
    - 10.0.0.4:9002
    - Orders.internal:9002
    - "[fd00:0:0::1]:9002"
    - unix:/run/orders.sock
    - {address: 10.0.0.3:9002, weight: 2, labels: {zone: a, version: v2, example.com/tier: ""}}
  balance: {policy: least_request}
  limits: {max_connections: 10, max_pending: 0, max_requests: 30, max_streams: 40}
  timeouts: {connect: 1s, idle: 250ms}
  protocol: http1
)");
  EXPECT_EQ(loaded.text, "");
  ClusterSettings expected;
  expected.name = "users";
  expected.policy = BalancePolicy::kLeastRequest;
  expected.endpoints = {
      Ip("10.0.0.4", 9002),
      {"orders.internal", 9002, false, true, 1, {}},
      Ip("fd00::1", 9002),
      {"/run/orders.sock", 0, true, false, 1, {}},
      Ip("10.0.0.3", 9002, 2, {{"example.com/tier", ""}, {"version", "v2"}, {"zone", "a"}}),
  };
  expected.max_connections = 10;
  expected.max_pending = 0;
  expected.max_requests = 30;
  expected.max_streams = 40;
  expected.protocol = Protocol::kHttp1;
  expected.connect_timeout = std::chrono::seconds(1);
  expected.idle_timeout = std::chrono::milliseconds(250);
  EXPECT_EQ(loaded.settings, expected);
}

TEST(ClusterConfig, DnsDiscoveryIsOneHostname) {
  const Loaded loaded = Load("  discovery: {dns: users.internal:8080}\n  protocol: auto\n");
  EXPECT_EQ(loaded.text, "");
  ASSERT_EQ(loaded.settings.endpoints.size(), 1u);
  EXPECT_EQ(loaded.settings.endpoints[0],
            (EndpointSpec{"users.internal", 8080, false, true, 1, {}}));
}

TEST(ClusterConfig, Protocols) {
  const std::string endpoints = "  endpoints: [10.0.0.4:80]\n";
  EXPECT_EQ(Load(endpoints).settings.protocol, Protocol::kAuto);
  EXPECT_EQ(Load(endpoints + "  protocol: auto\n").settings.protocol, Protocol::kAuto);
  EXPECT_EQ(Load(endpoints + "  protocol: http2\n").settings.protocol, Protocol::kHttp2);
  EXPECT_EQ(Load(endpoints + "  protocol: h2\n").text,
            "c.yaml:3:13: users.protocol: unknown value \"h2\"; one of: auto, http1, http2\n");
  EXPECT_EQ(Load(endpoints + "  limits: {max_streams: 0}\n").text,
            "c.yaml:3:25: users.limits.max_streams: must be between 1 and 10000000, got 0\n");
}

TEST(ClusterConfig, NeedsEndpoints) {
  EXPECT_EQ(Load("  protocol: auto\n").text,
            "c.yaml:1:1: users: a cluster needs \"endpoints\" or \"discovery\"\n");
  EXPECT_EQ(Load("  endpoints: []\n").text,
            "c.yaml:1:1: users: a cluster needs \"endpoints\" or \"discovery\"\n");
  EXPECT_EQ(Load("  discovery: {}\n").text,
            "c.yaml:2:14: users.discovery: discovery needs a source: {dns: HOSTNAME:PORT}\n");
  EXPECT_EQ(Load("  endpoints: 10.0.0.1:80\n").text,
            "c.yaml:2:14: users.endpoints: expected a list, got \"10.0.0.1:80\" "
            "(did you mean \"[10.0.0.1:80]\"?)\n");
  EXPECT_EQ(Load("  endpoints: [10.0.0.1:80]\n  discovery: {dns: a.internal:80}\n").text,
            "c.yaml:3:14: users.discovery: a cluster has either \"endpoints\" or \"discovery\", "
            "not both\n");
  EXPECT_EQ(Load("  discovery: {dns: 10.0.0.1:80}\n").text,
            "c.yaml:2:20: users.discovery.dns: expected a hostname; addresses that need no "
            "resolving belong in \"endpoints\"\n");
}

TEST(ClusterConfig, SaysWhatIsWrongWithAnEndpoint) {
  const Loaded loaded = Load(R"(
  endpoints:
    - 10.0.0.4
    - 10.0.0.4:0
    - :9002
    - "[::]:9002"
    - {weight: 2}
    - {address: 10.0.0.3:80, weight: 0}
    - {adress: 10.0.0.3:80}
    - [a]
    - 10.0.0.5:80
)");
  EXPECT_EQ(loaded.text,
            R"(c.yaml:4:7: users.endpoints[0]: "10.0.0.4" has no port
c.yaml:5:7: users.endpoints[1]: an endpoint needs a port from 1 to 65535
c.yaml:6:7: users.endpoints[2]: an endpoint needs a host to connect to (did you mean "127.0.0.1:9002"?)
c.yaml:7:7: users.endpoints[3]: an endpoint needs a host to connect to (did you mean "127.0.0.1:9002"?)
c.yaml:8:7: users.endpoints[4]: an endpoint needs an "address"
c.yaml:9:38: users.endpoints[5].weight: must be between 1 and 65535, got 0
c.yaml:10:7: users.endpoints[6]: an endpoint needs an "address"
c.yaml:10:8: users.endpoints[6].adress: unknown key (did you mean "address"?)
c.yaml:11:7: users.endpoints[7]: expected a single value, got a list
)");
  ASSERT_EQ(loaded.settings.endpoints.size(), 2u);
  EXPECT_EQ(loaded.settings.endpoints[1].host, "10.0.0.5");
}

TEST(ClusterConfig, LabelsAreThoseOfKubernetes) {
  const std::string at = "  endpoints: [{address: 10.0.0.3:80, labels: {";
  for (const char* good : {"a: b", "a.b/c-d_e: F.g_h-1", "version: 2", "a: \"\"", "A: b"}) {
    EXPECT_EQ(Load(at + good + "}}]\n").text, "") << good;
  }
  const std::string key =
      " is not a label key: at most 63 letters, digits, '-', '_' and '.', with a letter or digit "
      "at both ends, after an optional DNS name and '/'\n";
  const std::string value =
      " is not a label value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit "
      "at both ends\n";
  for (const char* bad : {"-a", "a-", "a b", "A.b/c", "/c", "a/b/c", "a../c", "ä"}) {
    const std::string text = Load(at + "\"" + bad + "\": x}}]\n").text;
    EXPECT_NE(text.find("\"" + std::string(bad) + "\"" + key), text.npos) << text;
  }
  for (const std::string& bad : {std::string("a b"), std::string("x/y"), std::string(64, 'a')}) {
    const std::string text = Load(at + "a: \"" + bad + "\"}}]\n").text;
    EXPECT_NE(text.find(":2:47: users.endpoints[0].labels.a: \"" + bad + "\"" + value), text.npos)
        << text;
  }
}

TEST(ClusterConfig, WarnsAtTheSecondOfTwoEqualEndpoints) {
  const Loaded loaded = Load(R"(
  endpoints:
    - 10.0.0.4:80
    - {address: 10.0.0.4:80, weight: 3}
    - A.internal:80
    - a.internal:80
    - 10.0.0.4:81
    - "[::ffff:10.0.0.4]:80"
)");
  EXPECT_EQ(
      loaded.text,
      "c.yaml:5:7: warning: users.endpoints[1]: this endpoint is listed twice: the weights add up\n"
      "c.yaml:7:7: warning: users.endpoints[3]: this endpoint is listed twice: the weights add up\n"
      "c.yaml:9:7: warning: users.endpoints[5]: this endpoint is listed twice: the weights add "
      "up\n");
  EXPECT_EQ(loaded.settings.endpoints.size(), 6u);
}

TEST(ClusterConfig, RefusesWhatIsNotBuiltYet) {
  const Loaded loaded = Load(R"(
  endpoints: [10.0.0.4:80]
  balance: {policy: round_robin, slow_start: 30s}
  health_check: {path: /healthz}
  outlier_detection: {consecutive_5xx: 5}
  limits: {retry_budget: 0.2}
)");
  EXPECT_EQ(loaded.text, R"(c.yaml:4:34: users.balance.slow_start: not supported yet
c.yaml:5:3: users.health_check: not supported yet
c.yaml:6:3: users.outlier_detection: not supported yet
c.yaml:7:12: users.limits.retry_budget: not supported yet
)");
  EXPECT_EQ(Load("  discovery: {registry: users}\n").text,
            "c.yaml:2:15: users.discovery.registry: not supported yet\n");
  EXPECT_EQ(Load("  discovery: {xds: users}\n").text,
            "c.yaml:2:15: users.discovery.xds: not supported yet\n");
}

TEST(ClusterConfig, SuggestsKeysAndValues) {
  EXPECT_EQ(Load("  endpoint: [10.0.0.4:80]\n").text,
            "c.yaml:1:1: users: a cluster needs \"endpoints\" or \"discovery\"\n"
            "c.yaml:2:3: users.endpoint: unknown key (did you mean \"endpoints\"?)\n");
  const Loaded loaded = Load(R"(
  endpoints: [10.0.0.4:80]
  balance: {policy: round-robin}
  limits: {max_conections: 1, max_requests: 0}
  timeouts: {connect: 5, idle: 0s}
)");
  EXPECT_NE(loaded.text.find("(did you mean \"round_robin\"?)"), std::string::npos);
  EXPECT_NE(loaded.text.find("(did you mean \"max_connections\"?)"), std::string::npos);
  EXPECT_NE(loaded.text.find("users.limits.max_requests: must be between 1 and 10000000, got 0"),
            std::string::npos);
  EXPECT_NE(loaded.text.find("users.timeouts.connect: "), std::string::npos);
  EXPECT_NE(loaded.text.find("users.timeouts.idle: must be between 1ms and 24h, got 0"),
            std::string::npos)
      << loaded.text;
}

}  // namespace
}  // namespace gatehouse::upstream
