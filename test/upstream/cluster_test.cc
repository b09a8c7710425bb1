// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/cluster.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace gatehouse::upstream {
namespace {

EndpointSpec Static(std::string host, uint16_t port, uint32_t weight = 1, LabelSet labels = {}) {
  return {std::move(host), port, false, false, weight, std::move(labels)};
}

EndpointSpec Named(std::string host, uint16_t port, uint32_t weight = 1, LabelSet labels = {}) {
  return {std::move(host), port, false, true, weight, std::move(labels)};
}

std::vector<IpAddress> Ips(std::initializer_list<const char*> texts) {
  std::vector<IpAddress> out;
  for (const char* text : texts) {
    out.push_back(*ParseIp(text));
  }
  return out;
}

struct TestCluster : Cluster {
  explicit TestCluster(std::vector<EndpointSpec> specs)
      : Cluster(7, ClusterSettings{.name = "users", .endpoints = std::move(specs)}, {}) {}

  const Endpoint* Find(std::string_view name) const {
    for (const auto& endpoint : endpoints()->endpoints) {
      if (endpoint->name == name) {
        return endpoint.get();
      }
    }
    return nullptr;
  }
  uint32_t SlotOf(std::string_view name) const { return Find(name)->slot; }
};

TEST(Cluster, HasItsStaticEndpointsAtOnce) {
  EndpointSpec unix_spec;
  unix_spec.host = "/run/users.sock";
  unix_spec.unix_socket = true;
  const TestCluster cluster({Static("10.0.0.1", 80, 3, {{"zone", "a"}}), Static("::1", 81),
                             unix_spec, Named("users.internal", 82)});
  const auto set = cluster.endpoints();
  ASSERT_EQ(set->endpoints.size(), 3u);
  EXPECT_EQ(set->endpoints[0]->name, "10.0.0.1:80");
  EXPECT_EQ(set->endpoints[0]->weight, 3u);
  EXPECT_EQ(set->endpoints[0]->labels, (LabelSet{{"zone", "a"}}));
  EXPECT_EQ(*set->endpoints[0]->hostname, "");
  EXPECT_EQ(set->endpoints[1]->name, "[::1]:81");
  EXPECT_EQ(set->endpoints[2]->name, "unix:/run/users.sock");
  EXPECT_EQ(set->slots, 3u);
  EXPECT_EQ(cluster.version(), 1u);
  EXPECT_EQ(cluster.id(), 7u);
}

TEST(Cluster, ExpandsHostnamesToAllTheirAddresses) {
  TestCluster cluster({Named("a.internal", 80, 2, {{"version", "v2"}}), Static("10.0.0.9", 80)});
  cluster.SetEndpoints({Ips({"10.0.0.1", "10.0.0.2", "fd00::1"})});
  ASSERT_EQ(cluster.endpoints()->endpoints.size(), 4u);
  const Endpoint* v6 = cluster.Find("[fd00::1]:80");
  ASSERT_NE(v6, nullptr);
  EXPECT_EQ(v6->weight, 2u);
  EXPECT_EQ(*v6->hostname, "a.internal");
  EXPECT_EQ(v6->labels, (LabelSet{{"version", "v2"}}));
  EXPECT_EQ(cluster.version(), 2u);
}

TEST(Cluster, AddsTheWeightsOfAnAddressNamedTwice) {
  TestCluster cluster({Static("10.0.0.1", 80, 2, {{"version", "v1"}}),
                       Named("a.internal", 80, 3, {{"version", "v2"}, {"zone", "a"}}),
                       Static("10.0.0.1", 81, 1)});
  cluster.SetEndpoints({{}, Ips({"10.0.0.1"}), {}});
  ASSERT_EQ(cluster.endpoints()->endpoints.size(), 2u);
  EXPECT_EQ(cluster.Find("10.0.0.1:80")->weight, 5u);
  EXPECT_EQ(cluster.Find("10.0.0.1:80")->labels, (LabelSet{{"version", "v1"}, {"zone", "a"}}));
  EXPECT_EQ(cluster.Find("10.0.0.1:81")->weight, 1u);

  TestCluster huge({Static("10.0.0.1", 80, 4'000'000'000), Static("10.0.0.1", 80, 4'000'000'000)});
  EXPECT_EQ(huge.Find("10.0.0.1:80")->weight, 4'294'967'295u);
}

TEST(Cluster, KeepsSlotsAndObjectsOfAddressesThatStay) {
  TestCluster cluster({Named("a.internal", 80)});
  cluster.SetEndpoints({Ips({"10.0.0.1", "10.0.0.2", "10.0.0.3"})});
  const uint32_t third = cluster.SlotOf("10.0.0.3:80");
  const Endpoint* object = cluster.Find("10.0.0.3:80");
  cluster.SetEndpoints({Ips({"10.0.0.3", "10.0.0.4"})});
  EXPECT_EQ(cluster.SlotOf("10.0.0.3:80"), third);
  EXPECT_EQ(cluster.Find("10.0.0.3:80"), object);
  EXPECT_EQ(cluster.SlotOf("10.0.0.4:80"), 3u);
  EXPECT_EQ(cluster.endpoints()->slots, 4u);
}

TEST(Cluster, GivesAnAddressThatComesBackItsSlot) {
  TestCluster cluster({Named("a.internal", 80)});
  cluster.SetEndpoints({Ips({"10.0.0.1", "10.0.0.2"})});
  const uint32_t slot = cluster.SlotOf("10.0.0.1:80");
  cluster.SetEndpoints({Ips({"10.0.0.2"})});
  cluster.SetEndpoints({Ips({"10.0.0.2", "10.0.0.1"})});
  EXPECT_EQ(cluster.SlotOf("10.0.0.1:80"), slot);
}

TEST(Cluster, NeverHandsASlotFreedByTheSameCallOn) {
  TestCluster cluster({Named("a.internal", 80)});
  uint32_t before = 99;
  size_t most = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string ip = "10.0.1." + std::to_string(i);
    cluster.SetEndpoints({Ips({ip.c_str()})});
    const uint32_t slot = cluster.SlotOf(ip + ":80");
    EXPECT_NE(slot, before);
    before = slot;
    most = std::max<size_t>(most, cluster.endpoints()->slots);
  }
  EXPECT_LE(most, 3u);  // Reused, so per-worker arrays stay small.
}

TEST(Cluster, SlotsAreUniqueWhateverComesAndGoes) {
  TestCluster cluster({Named("a.internal", 80)});
  uint32_t random = 12345;
  for (int turn = 0; turn < 300; ++turn) {
    std::vector<IpAddress> ips;
    for (int i = 0; i < 40; ++i) {
      random = random * 1664525 + 1013904223;
      if ((random >> 16) % 4 == 0) {
        ips.push_back(*ParseIp("10.0.0." + std::to_string(i)));
      }
    }
    cluster.SetEndpoints({ips});
    const auto set = cluster.endpoints();
    ASSERT_EQ(set->endpoints.size(), ips.size());
    std::set<uint32_t> slots;
    for (const auto& endpoint : set->endpoints) {
      EXPECT_TRUE(slots.insert(endpoint->slot).second);
      EXPECT_LT(endpoint->slot, set->slots);
    }
    EXPECT_LE(set->slots, 41u);
  }
}

TEST(Cluster, WorkersSeeTheSetOfTheVersionOrALaterOne) {
  TestCluster cluster({Named("a.internal", 80)});
  std::thread reader([&] {
    uint64_t seen = 0;
    while (seen < 501) {
      seen = cluster.version();
      const auto set = cluster.endpoints();
      ASSERT_NE(set, nullptr);
      // Version n names n - 1 addresses, modulo 7.
      ASSERT_TRUE(set->endpoints.size() < 7);
    }
  });
  for (size_t i = 1; i <= 500; ++i) {
    std::vector<IpAddress> ips;
    for (size_t k = 0; k < i % 7; ++k) {
      ips.push_back(*ParseIp("10.0.0." + std::to_string(k)));
    }
    cluster.SetEndpoints({ips});
  }
  reader.join();
}

TEST(Cluster, MetricsAreNamedAsPrometheusDoes) {
  observe::Metrics metrics;
  observe::MetricTable& table = metrics.AddTable();
  const std::vector<std::string_view> names = {"users", "orders"};
  const auto blocks = metrics.Define(ClusterSchema(), names);
  const ClusterSeries users(*blocks[0]);
  const ClusterSeries orders(*blocks[1]);
  table.Add(users[ClusterMetric::kRequests], 3);
  table.Add(orders[ClusterMetric::kRequests], 4);
  table.Add(users[ClusterMetric::kPendingActive]);
  const std::string text = metrics.Prometheus();
  EXPECT_NE(text.find("gatehouse_cluster_requests_total{cluster=\"users\"} 3"), text.npos) << text;
  EXPECT_NE(text.find("gatehouse_cluster_requests_total{cluster=\"orders\"} 4"), text.npos);
  EXPECT_NE(text.find("gatehouse_cluster_pending_active{cluster=\"users\"} 1"), text.npos);
  EXPECT_NE(text.find("# TYPE gatehouse_cluster_pending_active gauge"), text.npos);
}

TEST(SharedLimit, CountsUpToItsLimit) {
  SharedLimit limit;
  EXPECT_TRUE(limit.TryAcquire(2));
  EXPECT_TRUE(limit.TryAcquire(2));
  EXPECT_FALSE(limit.TryAcquire(2));
  EXPECT_EQ(limit.used(), 2u);
  limit.Release();
  EXPECT_TRUE(limit.TryAcquire(2));
}

}  // namespace
}  // namespace gatehouse::upstream
