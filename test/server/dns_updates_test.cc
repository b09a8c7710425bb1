// SPDX-License-Identifier: Apache-2.0
#include "source/server/dns_updates.h"

#include <gtest/gtest.h>

#include "test/server/fake_resolver.h"
#include "test/server/loop_turns.h"

namespace gatehouse::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

upstream::EndpointSpec Host(const std::string& name) {
  upstream::EndpointSpec spec;
  spec.host = name;
  spec.port = 80;
  spec.hostname = true;
  return spec;
}

class DnsUpdatesTest : public testing::Test {
 protected:
  std::shared_ptr<upstream::Cluster> NewCluster(std::vector<upstream::EndpointSpec> endpoints) {
    upstream::ClusterSettings settings;
    settings.name = "cluster" + std::to_string(next_id_);
    settings.endpoints = std::move(endpoints);
    return std::make_shared<upstream::Cluster>(next_id_++, settings, nullptr);
  }
  static std::vector<std::string> Names(const upstream::Cluster& cluster) {
    std::vector<std::string> out;
    for (const auto& endpoint : cluster.endpoints()->endpoints) {
      out.push_back(endpoint->name);
    }
    return out;
  }
  void Follow(const DnsUpdates::Clusters& clusters, Duration limit = seconds(30)) {
    dns_.Follow(clusters, limit, [this] { ++ready_; });
  }

  using Strings = std::vector<std::string>;
  uint32_t next_id_ = 0;
  int ready_ = 0;
  event::Loop loop_{"test"};
  FakeResolver resolver_;
  DnsUpdates dns_{loop_, resolver_};
};

TEST_F(DnsUpdatesTest, NothingToResolveIsReadyFromTheLoop) {
  upstream::EndpointSpec plain;
  plain.host = "10.0.0.1";
  plain.port = 80;
  Follow({NewCluster({plain})});
  EXPECT_EQ(ready_, 0);
  RunUntil(loop_, [&] { return ready_ == 1; });
  EXPECT_EQ(resolver_.watches(), 0u);
}

TEST_F(DnsUpdatesTest, ReadyWhenEveryHostHasHadItsFirstAnswer) {
  const auto cluster = NewCluster({Host("a"), Host("b")});
  Follow({cluster});
  resolver_.Answer("a", {"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(ready_, 0);
  resolver_.Answer("b", {}, "no such host");
  EXPECT_EQ(ready_, 1);
  EXPECT_EQ(Names(*cluster), (Strings{"10.0.0.1:80", "10.0.0.2:80"}));

  const auto hosts = dns_.Hosts(*cluster);
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[0].addresses, (Strings{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(hosts[0].error, "");
  EXPECT_EQ(hosts[1].hostname, "b");
  EXPECT_EQ(hosts[1].error, "no such host");
}

TEST_F(DnsUpdatesTest, ReadyAfterTheLimitWithWhatIsKnown) {
  const auto cluster = NewCluster({Host("a"), Host("b")});
  Follow({cluster}, milliseconds(50));
  resolver_.Answer("a", {"10.0.0.1"});
  RunUntil(loop_, [&] { return ready_ == 1; });
  EXPECT_EQ(Names(*cluster), (Strings{"10.0.0.1:80"}));
  // A late answer still counts.
  resolver_.Answer("b", {"10.0.0.9"});
  RunUntil(loop_, [&] { return Names(*cluster).size() == 2; });
  EXPECT_EQ(ready_, 1);
}

TEST_F(DnsUpdatesTest, AnswersThatComeTogetherChangeTheSetOnce) {
  const auto cluster = NewCluster({Host("a"), Host("b")});
  Follow({cluster});
  resolver_.Answer("a", {"10.0.0.1"});
  resolver_.Answer("b", {"10.0.0.2"});
  ASSERT_EQ(ready_, 1);
  const uint64_t version = cluster->version();
  resolver_.Answer("a", {"10.0.0.3"});
  resolver_.Answer("b", {"10.0.0.4"});
  EXPECT_EQ(cluster->version(), version);
  RunUntil(loop_, [&] { return Names(*cluster) == Strings{"10.0.0.3:80", "10.0.0.4:80"}; });
  EXPECT_EQ(cluster->version(), version + 1);
  // The same answer again is no change.
  resolver_.Answer("a", {"10.0.0.3"});
  RunFor(loop_, milliseconds(60));
  EXPECT_EQ(cluster->version(), version + 1);
}

TEST_F(DnsUpdatesTest, AFailureKeepsTheLastGoodAddresses) {
  const auto cluster = NewCluster({Host("a")});
  Follow({cluster});
  resolver_.Answer("a", {"10.0.0.1"});
  resolver_.Answer("a", {"10.0.0.1"}, "timed out");
  RunFor(loop_, milliseconds(60));
  EXPECT_EQ(Names(*cluster), (Strings{"10.0.0.1:80"}));
  EXPECT_EQ(dns_.Hosts(*cluster)[0].error, "timed out");
}

TEST_F(DnsUpdatesTest, OnlyWhatIsKeptIsFollowed) {
  const auto one = NewCluster({Host("a")});
  const auto two = NewCluster({Host("a"), Host("b")});
  Follow({one, two});
  EXPECT_EQ(resolver_.watches(), 3u);
  resolver_.Answer("a", {"10.0.0.1"});
  resolver_.Answer("b", {"10.0.0.2"});
  EXPECT_EQ(ready_, 1);
  dns_.Keep({two});
  EXPECT_EQ(resolver_.watches(), 2u);
  EXPECT_TRUE(dns_.Hosts(*one).empty());
  // Following again what is followed already asks nothing.
  Follow({two});
  EXPECT_EQ(resolver_.watches(), 2u);
  RunUntil(loop_, [&] { return ready_ == 2; });
}

}  // namespace
}  // namespace gatehouse::server
