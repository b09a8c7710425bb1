// SPDX-License-Identifier: Apache-2.0
// ip_access: what is entered over the admin endpoint.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::AdminReply;
using pipeline::FilterHarness;

AdminReply Post(FilterHarness& h, std::string_view body) {
  const auto reply = h.definition().Administer({true, "entries", "", body});
  EXPECT_TRUE(reply);
  return *reply;
}
AdminReply List(FilterHarness& h, std::string_view query = "") {
  const auto reply = h.definition().Administer({false, "entries", query, ""});
  EXPECT_TRUE(reply);
  EXPECT_TRUE(reply->json.ends_with("}\n"));
  return *reply;
}
bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
// The harness's clock goes with the real one, by which entries expire.
void SetClock(FilterHarness& h) {
  h.Get();
  h.Advance(MonotonicNow() - h.stream().now());
}
int StatusFor(FilterHarness& h, std::string_view address) {
  h.ConnectFrom(address);
  h.Get();
  return h.reply().status;
}

constexpr char kBan[] = R"({"cidr": "192.0.2.7", "ttl": "10m", "reason": "scan"})";

TEST(IpAccessEntriesTest, ABanCountsAtOnceAndEndsByItself) {
  FilterHarness h(IpAccess(), "max_entries: 10");
  SetClock(h);
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  const AdminReply reply = Post(h, kBan);
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(Has(reply.json, "\"added\": 1")) << reply.json;
  EXPECT_TRUE(Has(reply.json, "\"kept\": false")) << reply.json;
  h.Get();  // On the same connection.
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(h.reply().detail, "ip_access: 192.0.2.7 is denied by entry 192.0.2.7 (scan)");
  EXPECT_EQ(h.facts().verdicts->verdict, "denied by entry 192.0.2.7 (scan)");
  EXPECT_EQ(StatusFor(h, "192.0.2.8"), 0);
  h.ConnectFrom("192.0.2.7");
  h.Advance(std::chrono::minutes(9));
  h.Get();
  EXPECT_EQ(h.reply().status, 403);
  h.Advance(std::chrono::minutes(2));
  h.Get();
  EXPECT_EQ(h.reply().status, 0);
}

TEST(IpAccessEntriesTest, WhatIsAllowedForATimeIsNotRemembered) {
  FilterHarness h(IpAccess(), "deny: [192.0.2.0/24]");
  SetClock(h);
  Post(h, R"({"cidr": "192.0.2.7", "action": "allow", "ttl": "10m"})");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);  // Entries win over lists.
  EXPECT_EQ(StatusFor(h, "192.0.2.8"), 403);
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  h.Advance(std::chrono::minutes(11));
  h.Get();  // On the same connection.
  EXPECT_EQ(h.reply().status, 403);
}

TEST(IpAccessEntriesTest, RemovingAndReplacing) {
  FilterHarness h(IpAccess(), "max_entries: 10");
  Post(h, R"({"entries": [{"cidr": "192.0.2.0/24"}, {"cidr": "2001:db8::/32"}]})");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(StatusFor(h, "2001:db8::7"), 403);
  const AdminReply reply = Post(h, R"({"entries": [{"cidr": "192.0.2.0/24", "remove": true},
    {"cidr": "10.0.0.1", "remove": true}, {"cidr": "2001:db8::/32", "action": "allow"}]})");
  EXPECT_TRUE(Has(reply.json, "\"removed\": 1")) << reply.json;
  EXPECT_TRUE(Has(reply.json, "\"absent\": 1")) << reply.json;
  EXPECT_TRUE(Has(reply.json, "\"replaced\": 1")) << reply.json;
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  EXPECT_EQ(StatusFor(h, "2001:db8::7"), 0);
}

TEST(IpAccessEntriesTest, ListsByPages) {
  FilterHarness h(IpAccess(), "max_entries: 10");
  Post(h, R"({"entries": [{"cidr": "192.0.2.7"}, {"cidr": "10.0.0.0/8", "ttl": "90s"},
                          {"cidr": "172.16.0.0/12"}]})");
  const std::string first = List(h, "limit=2").json;
  EXPECT_TRUE(Has(first, "\"cidr\": \"10.0.0.0/8\"")) << first;
  EXPECT_TRUE(Has(first, "\"ttl_left\": \"90s\"")) << first;
  EXPECT_TRUE(Has(first, "\"next\": \"172.16.0.0/12\"")) << first;
  const std::string second = List(h, "limit=2&after=172.16.0.0%2F12").json;
  EXPECT_TRUE(Has(second, "\"cidr\": \"192.0.2.7\"")) << second;
  EXPECT_FALSE(Has(second, "172.16.0.0")) << second;
  EXPECT_TRUE(Has(second, "\"next\": null")) << second;
  EXPECT_EQ(List(h, "limit=0").status, 400);
  EXPECT_EQ(List(h, "after=x").status, 400);
}

TEST(IpAccessEntriesTest, TooMany) {
  FilterHarness h(IpAccess(), "max_entries: 1");
  EXPECT_EQ(Post(h, kBan).status, 200);
  const AdminReply reply = Post(h, R"({"entries": [{"cidr": "10.0.0.1"}, {"cidr": "10.0.0.2"}]})");
  EXPECT_EQ(reply.status, 507);
  EXPECT_TRUE(Has(reply.json, "max_entries is 1")) << reply.json;
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 0);
  EXPECT_EQ(Post(h, "{").status, 400);
  EXPECT_FALSE(h.definition().Administer({true, "nothing", "", ""}));
}

TEST(IpAccessEntriesTest, OutlastReloadsThatChangeTheFilter) {
  FilterHarness h(IpAccess(), "max_entries: 10");
  Post(h, kBan);
  EXPECT_FALSE(h.Reload("{max_entries: 10, deny: [10.0.0.1]}"));
  SetClock(h);
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
}

TEST(IpAccessEntriesTest, ARouteSharesThem) {
  FilterHarness h(IpAccess(), "max_entries: 10");
  h.Override("deny: [10.0.0.1]");
  SetClock(h);
  Post(h, kBan);  // To the base.
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
}

class KeptEntriesTest : public testing::Test {
 protected:
  KeptEntriesTest() { std::remove(file_.c_str()); }
  ~KeptEntriesTest() override { std::remove(file_.c_str()); }

  const std::string folder_ = testing::TempDir() + "ip_access_entries";
  const std::string file_ = folder_ + "/ip_access/bans";
  const std::string yaml_ = "{type: ip_access, max_entries: 10}";
  const pipeline::HarnessOptions options_{.name = "bans", .state_dir = folder_};
};

TEST_F(KeptEntriesTest, AreThereAgain) {
  {
    FilterHarness h(IpAccess(), yaml_, options_);
    const AdminReply reply = Post(h, kBan);
    EXPECT_TRUE(Has(reply.json, "\"kept\": true")) << reply.json;
  }
  FilterHarness h(IpAccess(), yaml_, options_);
  SetClock(h);
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  h.Advance(std::chrono::minutes(11));
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
}

TEST_F(KeptEntriesTest, TheUpkeepWritesWhatAStormLeft) {
  FilterHarness h(IpAccess(), yaml_, options_);
  h.StartUpkeep();
  Post(h, kBan);
  const AdminReply second = Post(h, R"({"cidr": "10.0.0.1"})");
  EXPECT_TRUE(Has(second.json, "\"pending\": true")) << second.json;
  EXPECT_TRUE(Has(h.definition().State(), "\"kept\": false"));
  h.Get();
  h.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(h.RunBackground());
  EXPECT_TRUE(Has(h.definition().State(), "\"kept\": true"));
  EXPECT_EQ(h.Counter("state_writes"), 2);
  EXPECT_EQ(h.Counter("entries_added"), 2);
}

TEST_F(KeptEntriesTest, CheckingAConfigurationWritesNothing) {
  auto checking = options_;
  checking.activate = false;
  {
    FilterHarness h(IpAccess(), yaml_, options_);
    Post(h, kBan);
  }
  std::ofstream(file_) << "damaged";
  {
    const FilterHarness h(IpAccess(), yaml_, checking);
  }
  EXPECT_TRUE(std::ifstream(file_).good());
}

TEST_F(KeptEntriesTest, ExpiredOnesAreLetGo) {
  FilterHarness h(IpAccess(), yaml_, options_);
  h.StartUpkeep();
  Post(h, R"({"cidr": "10.0.0.1", "ttl": "1s"})");
  EXPECT_TRUE(Has(h.definition().State(), "\"count\": 1"));
  h.Get();
  const MonotonicTime end = MonotonicNow() + std::chrono::seconds(1);
  while (MonotonicNow() < end) {  // Real time, for this once.
  }
  h.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(h.RunBackground());
  EXPECT_TRUE(Has(h.definition().State(), "\"count\": 0")) << h.definition().State();
  EXPECT_EQ(h.Counter("entries_expired"), 1);
}

}  // namespace
}  // namespace gatehouse::filters
