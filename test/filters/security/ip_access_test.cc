// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

// The status a client at `address` gets; 0 when it is let in.
int StatusFor(FilterHarness& h, std::string_view address) {
  h.ConnectFrom(address);
  h.Get();
  EXPECT_EQ(h.forwarded(), h.reply().status == 0);
  return h.reply().status;
}

class ListFile {
 public:
  explicit ListFile(std::string_view text, const std::string& name = "list")
      : path(testing::TempDir() + "ip_access_test." + name) {
    Write(text);
  }
  ~ListFile() { std::remove(path.c_str()); }
  void Write(std::string_view text) { std::ofstream(path) << text; }

  const std::string path;
};

TEST(IpAccessTest, DeniesWhatIsListed) {
  FilterHarness h(IpAccess(), "{type: ip_access, deny: [192.0.2.0/24, \"2001:db8::/32\"]}",
                  {.name = "deny_list"});
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(h.reply().error, ErrorCode::kDenied);
  EXPECT_EQ(h.reply().detail, "deny_list: 192.0.2.7 is denied by deny");
  EXPECT_EQ(StatusFor(h, "2001:db8::7"), 403);
  EXPECT_EQ(StatusFor(h, "198.51.100.7"), 0);
  EXPECT_EQ(h.Counter("denied"), 2);
  EXPECT_EQ(h.Counter("allowed"), 1);
}

TEST(IpAccessTest, AllowKeepsEverybodyElseOut) {
  FilterHarness h(IpAccess(), "{allow: [10.0.0.0/8], deny: [10.6.0.0/16]}");
  EXPECT_EQ(StatusFor(h, "10.1.2.3"), 0);
  EXPECT_EQ(StatusFor(h, "10.6.2.3"), 403);
  EXPECT_EQ(StatusFor(h, "192.0.2.1"), 403);
  EXPECT_EQ(h.reply().detail,
            "ip_access: 192.0.2.1 is denied: it is in no list of those to be let in");
}

TEST(IpAccessTest, AnEmptyAllowListAllowsNobody) {
  FilterHarness h(IpAccess(), "allow: []");
  EXPECT_EQ(StatusFor(h, "10.1.2.3"), 403);
}

TEST(IpAccessTest, TheClientIsWhomATrustedProxyNames) {
  FilterHarness h(IpAccess(), "deny: [203.0.113.0/24]");
  h.ConnectThrough("10.0.0.1", "203.0.113.9");
  h.Get();
  EXPECT_EQ(h.reply().status, 403);
  // Another client behind the same connection gets a verdict of its own.
  h.End();
  h.facts().client = *ParseIp("203.0.112.9");
  h.Get();
  EXPECT_EQ(h.reply().status, 0);
}

TEST(IpAccessTest, ThePeerIsWhoConnected) {
  FilterHarness h(IpAccess(), "{deny: [10.0.0.1], source: peer}");
  h.ConnectThrough("10.0.0.1", "203.0.113.9");
  h.Get();
  EXPECT_EQ(h.reply().status, 403);
}

TEST(IpAccessTest, AVerdictHoldsForTheConnection) {
  FilterHarness h(IpAccess(), "deny: [192.0.2.0/24]");
  EXPECT_EQ(StatusFor(h, "198.51.100.7"), 0);
  h.End();
  h.facts().peer = *ParseIp("192.0.2.7");  // Can't happen: shows that nothing is looked up again.
  h.Get();
  EXPECT_EQ(h.reply().status, 0);
}

TEST(IpAccessTest, ABanEndsConnectionsThatAreOpen) {
  FilterHarness h(IpAccess(), "deny: [192.0.2.0/24]");
  EXPECT_EQ(StatusFor(h, "198.51.100.7"), 0);
  EXPECT_FALSE(h.Reload("deny: [198.51.100.0/24]"));
  h.Get();
  EXPECT_EQ(h.reply().status, 403);
}

TEST(IpAccessTest, ListsFromFiles) {
  const ListFile file(
      "\xef\xbb\xbf"
      "192.0.3.0/24 # after a byte order mark\n# bad people\n192.0.2.0/24   # a net\r\n\n  "
      "2001:db8::1\n10.0.0.1");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(StatusFor(h, "192.0.3.7"), 403);
  EXPECT_EQ(StatusFor(h, "2001:db8::1"), 403);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  EXPECT_EQ(StatusFor(h, "10.0.0.2"), 0);
}

TEST(IpAccessTest, AReloadReadsAFileThatChanged) {
  ListFile file("192.0.2.0/24\n");
  const std::string yaml = "allow_file: " + file.path;
  FilterHarness h(IpAccess(), yaml);
  EXPECT_TRUE(h.Reload(yaml));
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  file.Write("192.0.2.0/24\n10.0.0.0/8\n");
  EXPECT_FALSE(h.Reload(yaml));
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 0);
}

// What a change of the file leads to, in the background.
void Change(FilterHarness& h, ListFile& file, std::string_view text) {
  file.Write(text);
  EXPECT_TRUE(h.FileChanged(file.path));
  EXPECT_TRUE(h.RunBackground());
}

TEST(IpAccessTest, AFileThatChangesCountsAtOnceAlsoOnOpenConnections) {
  ListFile file("192.0.2.0/24\n");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  h.StartUpkeep();
  EXPECT_EQ(StatusFor(h, "198.51.100.7"), 0);
  Change(h, file, "192.0.2.0/24\n198.51.100.7\n");
  h.Get();  // On the same connection.
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(h.reply().detail, "ip_access: 198.51.100.7 is denied by " + file.path);
  EXPECT_EQ(h.facts().verdicts->verdict, "denied by " + file.path);
  Change(h, file, "# nobody\n");
  h.Get();
  EXPECT_EQ(h.reply().status, 0);
  EXPECT_EQ(h.facts().verdicts->verdict, "allowed");
  EXPECT_EQ(h.Counter("files_read"), 2);
}

TEST(IpAccessTest, ABadFileChangesNothingAndIsReported) {
  ListFile file("192.0.2.0/24\n");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  h.StartUpkeep();
  Change(h, file, "10.0.0.1\nnonsense\n10.0.0.2/8\n");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 0);
  EXPECT_EQ(h.Counter("files_failed"), 1);
  EXPECT_EQ(h.Counter("bad_lines"), 2);
  const std::string state = h.definition().State();
  EXPECT_NE(state.find("\"line\": 2"), std::string::npos) << state;
  EXPECT_NE(state.find("nonsense"), std::string::npos) << state;
  EXPECT_NE(state.find("\"line\": 3"), std::string::npos) << state;
  Change(h, file, "");  // Somebody is about to write it.
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  std::remove(file.path.c_str());
  EXPECT_TRUE(h.FileChanged(file.path));
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(h.Counter("files_failed"), 3);
  Change(h, file, "10.0.0.1\n");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  EXPECT_NE(h.definition().State().find("\"trouble\": null"), std::string::npos);
}

// A list that turned bad while it is served must not fall open, nor keep other changes out.
TEST(IpAccessTest, AReloadKeepsTheLastGoodListOfAFileThatTurnedBad) {
  ListFile file("192.0.2.0/24\n");
  const std::string yaml = "deny_file: " + file.path;
  FilterHarness h(IpAccess(), yaml);
  const auto denies_still = [&](const std::string& definition) {
    EXPECT_FALSE(h.Reload(definition));
    EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403) << definition;
    EXPECT_NE(h.diagnostics().find("filter.yaml:1:"), std::string::npos) << h.diagnostics();
    EXPECT_NE(h.diagnostics().find("warning: deny_file: the file can't be used as it is now, and "
                                   "what was read before stays in force"),
              std::string::npos)
        << h.diagnostics();
  };
  file.Write("");
  denies_still(yaml);
  denies_still("{deny: [10.0.0.1], deny_file: " + file.path + "}");
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  EXPECT_NE(h.diagnostics().find(file.path + ":1:1: warning: deny_file: the file is empty"),
            std::string::npos);
  file.Write("10.0.0.2\nnonsense\n");
  denies_still(yaml);
  EXPECT_EQ(StatusFor(h, "10.0.0.2"), 0);
  EXPECT_NE(h.diagnostics().find(file.path + ":2:1: warning: deny_file: \"nonsense\" is not"),
            std::string::npos);
  EXPECT_NE(h.definition().State().find("\"line\": 2"), std::string::npos);
  std::remove(file.path.c_str());
  denies_still(yaml);
  file.Write("10.0.0.2\n");
  EXPECT_FALSE(h.Reload(yaml));
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  EXPECT_EQ(StatusFor(h, "10.0.0.2"), 403);
}

TEST(IpAccessTest, ABadFileIsNotReadTwiceWhenAReloadKeepsItsLastList) {
  ListFile file("192.0.2.0/24\n");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  file.Write("nonsense\n");
  EXPECT_FALSE(h.Reload("{dry_run: true, deny_file: " + file.path + "}"));
  h.StartUpkeep();
  EXPECT_FALSE(h.RunBackground());
  EXPECT_EQ(h.Counter("files_failed"), 0);
  Change(h, file, "10.0.0.1\n");
  EXPECT_EQ(h.Counter("files_read"), 1);
}

TEST(IpAccessTest, SeveralFilesAndWhichOfThemItWas) {
  const ListFile one("192.0.2.0/24\n", "one");
  const ListFile two("198.51.100.1-198.51.100.9 ; a range\n", "two");
  FilterHarness h(IpAccess(), "{deny_file: " + one.path + ", deny_files: [" + two.path + "]}");
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  EXPECT_EQ(StatusFor(h, "198.51.100.9"), 403);
  EXPECT_EQ(h.reply().detail, "ip_access: 198.51.100.9 is denied by " + two.path);
  EXPECT_EQ(StatusFor(h, "198.51.100.10"), 0);
  EXPECT_EQ(h.definition().Explain(h.request(), h.facts()), "198.51.100.10 is allowed");
}

TEST(IpAccessTest, ARouteSharesTheFilesThatItDoesNotChange) {
  ListFile file("192.0.2.0/24\n");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  h.StartUpkeep();
  h.Override("deny: [10.0.0.1]");
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 403);
  Change(h, file, "# nobody\n");  // Watched once, by the base.
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
}

TEST(IpAccessTest, AReloadKeepsTheLastGoodListOfARoute) {
  const ListFile shared("192.0.2.0/24\n", "shared");
  ListFile file("10.0.0.1\n");
  FilterHarness h(IpAccess(), "deny_file: " + shared.path);
  h.Override("deny_file: " + file.path);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
  file.Write("");
  EXPECT_FALSE(h.Reload("{source: client, deny_file: " + shared.path + "}"));
  h.Override("deny_file: " + file.path);
  EXPECT_EQ(StatusFor(h, "10.0.0.1"), 403);
}

TEST(IpAccessTest, ADryRunLetsInAndCounts) {
  FilterHarness h(IpAccess(), "{deny: [192.0.2.0/24], dry_run: true}");
  EXPECT_EQ(StatusFor(h, "192.0.2.7"), 0);
  EXPECT_EQ(h.Counter("would_deny"), 1);
  EXPECT_EQ(h.Counter("denied"), 0);
  EXPECT_EQ(h.facts().verdicts->verdict, "dry run: denied by deny");
}

TEST(IpAccessTest, EveryWrongLineOfAFileIsReported) {
  const ListFile file("192.0.2.0/24\n192.0.2.7/24\nnonsense\n");
  const FilterHarness h(IpAccess(), "deny_file: " + file.path);
  EXPECT_EQ(h.diagnostics(),
            file.path + ":2:1: deny_file: \"192.0.2.7/24\" has bits set past its prefix length\n" +
                file.path + ":3:1: deny_file: \"nonsense\" is not an IP address or CIDR block\n");
}

TEST(IpAccessTest, AFileOfNothingButMistakesIsNotReportedWhole) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "x\n";
  }
  const ListFile file(text);
  const FilterHarness h(IpAccess(), "deny_file: " + file.path);
  const std::string diagnostics = h.diagnostics();
  EXPECT_EQ(std::count(diagnostics.begin(), diagnostics.end(), '\n'), 21);
  EXPECT_NE(diagnostics.find(":20:1: deny_file: 980 further lines are wrong too\n"),
            std::string::npos);
}

TEST(IpAccessTest, AllWrongLinesAreCounted) {
  ListFile file("192.0.2.0/24\n");
  FilterHarness h(IpAccess(), "deny_file: " + file.path);
  h.StartUpkeep();
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += "x" + std::to_string(i) + "\n";
  }
  Change(h, file, text);
  const std::string state = h.definition().State();
  EXPECT_NE(state.find("\"errors\": 3000,"), std::string::npos) << state;
  EXPECT_NE(state.find("\"line\": 20,"), std::string::npos) << state;
  EXPECT_EQ(state.find("\"line\": 21,"), std::string::npos) << state;
}

TEST(IpAccessTest, Mistakes) {
  EXPECT_EQ(FilterHarness(IpAccess(), "{}").diagnostics(),
            "filter.yaml:1:1: needs `allow`, `allow_file`, `deny`, `deny_file`, `country`, or "
            "`max_entries` for entries over the admin endpoint alone\n");
  EXPECT_EQ(FilterHarness(IpAccess(), "{deny: [10.0.0.0/33, x], source: pear}").diagnostics(),
            "filter.yaml:1:9: deny[0]: \"10.0.0.0/33\" has a prefix length that is not between 0 "
            "and 32\n"
            "filter.yaml:1:22: deny[1]: \"x\" is not an IP address or CIDR block\n"
            "filter.yaml:1:34: source: unknown value \"pear\"; one of: client, peer (did you mean "
            "\"peer\"?)\n");
  EXPECT_EQ(FilterHarness(IpAccess(), "deny_file: \"-\"").diagnostics(),
            "filter.yaml:1:12: deny_file: must name a file\n");
  const std::string missing = FilterHarness(IpAccess(), "deny_file: /nowhere/x").diagnostics();
  EXPECT_NE(missing.find("filter.yaml:1:12: deny_file: "), std::string::npos) << missing;
  EXPECT_NE(missing.find("/nowhere/x"), std::string::npos) << missing;
}

}  // namespace
}  // namespace gatehouse::filters
