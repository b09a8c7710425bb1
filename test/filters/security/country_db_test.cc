// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/country_db.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "source/filters/builtin.h"
#include "source/filters/security/country_code.h"
#include "source/pipeline/filter_harness.h"
#include "test/filters/security/made_country_db.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

const std::string kDatabase =
    MadeCountryDb::Of({{"192.0.2.0/24", "KP"}, {"198.51.100.0/24", "DE"}, {"2001:db8::/32", "KP"}});

std::string CountryOf(const CountryDb& database, std::string_view ip) {
  const CountryCode code = database.Find(*ParseIp(ip));
  return code == CountryCode{} ? "" : std::string(code.data(), code.size());
}

TEST(CountryDbTest, FindsCountries) {
  const auto database = CountryDb::Open(kDatabase);
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_EQ(CountryOf(**database, "192.0.2.9"), "KP");
  EXPECT_EQ(CountryOf(**database, "198.51.100.9"), "DE");
  EXPECT_EQ(CountryOf(**database, "2001:db8:1::"), "KP");
  EXPECT_EQ(CountryOf(**database, "10.0.0.1"), "");
  EXPECT_EQ((*database)->type(), "Made-Country");
  EXPECT_EQ((*database)->built(), WallTime(std::chrono::seconds(1'700'000'000)));
  EXPECT_EQ(CountryOf(*CountryDb::Nothing(), "192.0.2.9"), "");
}

TEST(CountryDbTest, WhatIsNoDatabase) {
  EXPECT_FALSE(CountryDb::Open(""));
  EXPECT_FALSE(CountryDb::Open("nonsense"));
  EXPECT_FALSE(CountryDb::Open(kDatabase.substr(kDatabase.size() / 2)));
}

TEST(CountryCodeTest, CodesAndWhatWasMeant) {
  EXPECT_TRUE(ParseCountry("DE"));
  EXPECT_TRUE(ParseCountry("NO"));
  EXPECT_FALSE(ParseCountry("de"));
  EXPECT_FALSE(ParseCountry("ZZ"));
  EXPECT_FALSE(ParseCountry("EA"));  // The middle of two.
  EXPECT_EQ(SuggestCountry("de"), "DE");
  EXPECT_EQ(SuggestCountry("UK"), "GB");
  EXPECT_EQ(SuggestCountry("USA"), "US");
  EXPECT_EQ(SuggestCountry("ZZ"), "");
}

class CountryRulesTest : public testing::Test {
 protected:
  CountryRulesTest() { Write(kDatabase); }
  ~CountryRulesTest() override { std::remove(path_.c_str()); }
  void Write(std::string_view content) {
    // By a rename, as those who fetch databases do.
    std::ofstream(path_ + ".new", std::ios::binary) << content;
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }
  std::string Yaml(const std::string& country, const std::string& more = "") const {
    return "{country: {database: " + path_ + ", " + country + "}" + more + "}";
  }
  static std::string DetailFor(FilterHarness& h, std::string_view ip) {
    h.ConnectFrom(ip);
    h.Get();
    EXPECT_EQ(h.forwarded(), h.reply().status == 0);
    return h.reply().detail;
  }

  const std::string path_ = testing::TempDir() + "country_rules_test.mmdb";
};

TEST_F(CountryRulesTest, DeniedOnes) {
  FilterHarness h(IpAccess(), Yaml("deny: [KP]", ", deny: [198.51.100.1], allow: [192.0.2.1]"));
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(DetailFor(h, "192.0.2.7"), "ip_access: 192.0.2.7 is denied by country KP");
  EXPECT_EQ(DetailFor(h, "192.0.2.1"), "");  // A list is asked first.
  EXPECT_EQ(DetailFor(h, "198.51.100.1"), "ip_access: 198.51.100.1 is denied by deny");
  EXPECT_EQ(DetailFor(h, "198.51.100.2"),
            "ip_access: 198.51.100.2 is denied: it is in no list of those to be let in");
}

TEST_F(CountryRulesTest, AllowedOnes) {
  FilterHarness h(IpAccess(), Yaml("allow: [DE]", ", allow: [10.0.0.0/8]"));
  EXPECT_EQ(DetailFor(h, "198.51.100.7"), "");
  EXPECT_EQ(DetailFor(h, "10.0.0.1"), "");
  EXPECT_EQ(DetailFor(h, "192.0.2.7"),
            "ip_access: 192.0.2.7 is denied: it is in no list of those to be let in");
  EXPECT_EQ(DetailFor(h, "203.0.113.1"),
            "ip_access: 203.0.113.1 is denied: its country is not known");
}

TEST_F(CountryRulesTest, UnknownOnes) {
  FilterHarness let_in(IpAccess(), Yaml("allow: [DE], unknown: allow"));
  EXPECT_EQ(DetailFor(let_in, "203.0.113.1"), "");
  FilterHarness by_default(IpAccess(), Yaml("deny: [KP]"));
  EXPECT_EQ(DetailFor(by_default, "203.0.113.1"), "");
  // To be let in it takes more than not to be denied.
  FilterHarness listed(IpAccess(), Yaml("deny: [KP], unknown: allow", ", allow: [10.0.0.0/8]"));
  EXPECT_NE(DetailFor(listed, "203.0.113.1"), "");
}

TEST_F(CountryRulesTest, ANewDatabaseIsUsedAndABadOneIsNot) {
  FilterHarness h(IpAccess(), Yaml("deny: [KP]"));
  h.StartUpkeep();
  EXPECT_EQ(DetailFor(h, "198.51.100.7"), "");
  Write(MadeCountryDb::Of({{"198.51.100.0/24", "KP"}}));
  EXPECT_TRUE(h.FileChanged(path_));
  EXPECT_TRUE(h.RunBackground());
  h.Get();  // On the same connection.
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(DetailFor(h, "192.0.2.7"), "");
  Write("nonsense");
  EXPECT_TRUE(h.FileChanged(path_));
  EXPECT_TRUE(h.RunBackground());
  EXPECT_NE(DetailFor(h, "198.51.100.7"), "");
  EXPECT_EQ(h.Counter("files_read"), 1);
  EXPECT_EQ(h.Counter("files_failed"), 1);
  const std::string state = h.definition().State();
  EXPECT_NE(state.find("\"built\": \"2023-11-14T22:13:20.000Z\""), std::string::npos) << state;
  EXPECT_NE(state.find("is not a MaxMind database"), std::string::npos) << state;
}

TEST_F(CountryRulesTest, AReloadKeepsTheLastGoodDatabase) {
  FilterHarness h(IpAccess(), Yaml("deny: [KP]"));
  EXPECT_NE(DetailFor(h, "192.0.2.7"), "");
  for (const char* const content : {"", "nonsense"}) {
    Write(content);
    EXPECT_FALSE(h.Reload(Yaml("deny: [KP], unknown: allow")));
    EXPECT_NE(DetailFor(h, "192.0.2.7"), "") << content;
    EXPECT_NE(h.diagnostics().find(path_ + ":1:1: warning: country.database: "), std::string::npos)
        << h.diagnostics();
  }
}

TEST_F(CountryRulesTest, Mistakes) {
  EXPECT_EQ(FilterHarness(IpAccess(), Yaml("deny: [UK, de, XX]")).diagnostics(),
            "filter.yaml:1:" + std::to_string(31 + path_.size()) +
                ": country.deny[0]: \"UK\" is not a country's code of two capital letters (ISO "
                "3166-1) (did you mean \"GB\"?)\n"
                "filter.yaml:1:" +
                std::to_string(35 + path_.size()) +
                ": country.deny[1]: \"de\" is not a country's code of two capital letters (ISO "
                "3166-1) (did you mean \"DE\"?)\n"
                "filter.yaml:1:" +
                std::to_string(39 + path_.size()) +
                ": country.deny[2]: \"XX\" is not a country's code of two capital letters (ISO "
                "3166-1)\n");
  EXPECT_EQ(FilterHarness(IpAccess(), "country: {deny: [KP]}").diagnostics(),
            "filter.yaml:1:10: country: needs a `database`\n");
  Write("nonsense");
  const std::string bad = FilterHarness(IpAccess(), Yaml("deny: [KP]")).diagnostics();
  EXPECT_EQ(bad.find(path_ + ":1:1: country.database: is not a MaxMind database that can be used"),
            0)
      << bad;
}

}  // namespace
}  // namespace gatehouse::filters
