// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "source/filters/security/entry_file.h"
#include "source/filters/security/entry_requests.h"
#include "source/filters/state_file.h"

namespace gatehouse::filters {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const MonotonicTime kNow{hours(5)};
const WallTime kWall{hours(24 * 365 * 50)};

EntryTrie::Entry EntryFor(std::string_view block, bool allow = false, std::string reason = "",
                          MonotonicTime expires = MonotonicTime::max()) {
  return std::make_shared<const AccessEntry>(
      AccessEntry{*ParseCidr(block), allow, std::move(reason), expires, kWall});
}

std::string DecisionFor(const EntryTrie& trie, std::string_view ip, MonotonicTime now = kNow) {
  const AccessEntry* entry = trie.Decide(*ParseIp(ip), now);
  return entry == nullptr ? "" : (entry->allow ? "allow " : "deny ") + BlockText(entry->block);
}

std::vector<std::string> BlocksOf(const EntryTrie& trie, const char* after = nullptr) {
  std::vector<std::string> out;
  const Cidr from = after == nullptr ? Cidr() : *ParseCidr(after);
  trie.Visit(after == nullptr ? nullptr : &from, [&](const AccessEntry& entry) {
    out.push_back(BlockText(entry.block));
    return true;
  });
  return out;
}

TEST(EntryTrieTest, DenyWinsOverAllowAndTheSmallestBlockIsNamed) {
  const EntryTrie trie = EntryTrie()
                             .With(EntryFor("10.0.0.0/8", true))
                             .With(EntryFor("10.1.0.0/16"))
                             .With(EntryFor("10.1.2.3", true))
                             .With(EntryFor("10.1.0.0/24"))
                             .With(EntryFor("::/0", true));
  EXPECT_EQ(DecisionFor(trie, "10.2.0.1"), "allow 10.0.0.0/8");
  EXPECT_EQ(DecisionFor(trie, "10.1.2.3"), "deny 10.1.0.0/16");
  EXPECT_EQ(DecisionFor(trie, "10.1.0.9"), "deny 10.1.0.0/24");
  EXPECT_EQ(DecisionFor(trie, "2001:db8::1"), "allow ::/0");
  EXPECT_EQ(DecisionFor(trie, "192.0.2.1"), "allow ::/0");
  EXPECT_EQ(DecisionFor(EntryTrie(), "10.1.2.3"), "");
}

TEST(EntryTrieTest, ExpiryIsLookedAtEachTime) {
  const EntryTrie trie = EntryTrie()
                             .With(EntryFor("10.0.0.0/8", true))
                             .With(EntryFor("10.1.2.3", false, "", kNow + seconds(1)));
  EXPECT_EQ(DecisionFor(trie, "10.1.2.3"), "deny 10.1.2.3");
  EXPECT_EQ(DecisionFor(trie, "10.1.2.3", kNow + seconds(1)), "allow 10.0.0.0/8");
}

TEST(EntryTrieTest, OldVersionsStayAsTheyAre) {
  const EntryTrie one = EntryTrie().With(EntryFor("10.0.0.1"));
  const EntryTrie two = one.With(EntryFor("10.0.0.2")).Without(*ParseCidr("10.0.0.1"));
  EXPECT_EQ(BlocksOf(one), (std::vector<std::string>{"10.0.0.1"}));
  EXPECT_EQ(BlocksOf(two), (std::vector<std::string>{"10.0.0.2"}));
  EXPECT_TRUE(two.Without(*ParseCidr("10.0.0.2")).empty());
}

TEST(EntryTrieTest, AgreesWithAMap) {
  std::minstd_rand random(3);
  EntryTrie trie;
  std::map<std::pair<AddressNumber, uint8_t>, std::string> expected;
  for (int i = 0; i < 5'000; ++i) {
    Cidr block = *ParseCidr(i % 2 == 0 ? "10.0.0.0/8" : "2001:db8::/32");
    block.prefix = static_cast<uint8_t>(104 + random() % 25);
    block.base.bytes[13] = static_cast<uint8_t>(random() % 4);
    for (size_t bit = block.prefix; bit < 128; ++bit) {
      block.base.bytes[bit / 8] &= static_cast<uint8_t>(~(0x80 >> bit % 8));
    }
    const std::pair key(NumberOf(block.base), block.prefix);
    if (random() % 3 == 0) {
      trie = trie.Without(block);
      expected.erase(key);
    } else {
      trie = trie.With(EntryFor(BlockText(block)));
      expected[key] = BlockText(block);
    }
    ASSERT_EQ(trie.Find(block) != nullptr, expected.contains(key));
  }
  std::vector<std::string> all;
  for (const auto& [key, text] : expected) {
    all.push_back(text);
  }
  EXPECT_EQ(BlocksOf(trie), all);
  const std::string middle = all[all.size() / 2];
  EXPECT_EQ(
      BlocksOf(trie, middle.c_str()),
      std::vector<std::string>(all.begin() + static_cast<long>(all.size()) / 2 + 1, all.end()));
}

EntryTrie ThreeEntries() {
  return EntryTrie()
      .With(EntryFor("192.0.2.7", false, "scans our ports", kNow + minutes(10)))
      .With(EntryFor("2001:db8::/32", true))
      .With(EntryFor("10.0.0.0/8", false, "", kNow + hours(1)));
}

TEST(EntryFileTest, WhatIsWrittenIsRead) {
  const std::string text = WriteEntries(ThreeEntries(), kNow, kWall);
  const MonotonicTime later{minutes(3)};  // Another process: its clock began anew.
  const Result<EntryTrie> read = ReadEntries(text, later, kWall + minutes(4));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(BlocksOf(*read), BlocksOf(ThreeEntries()));
  EXPECT_EQ(read->Find(*ParseCidr("192.0.2.7"))->reason, "scans our ports");
  EXPECT_EQ(read->Find(*ParseCidr("192.0.2.7"))->expires, later + minutes(6));
  EXPECT_FALSE(read->Find(*ParseCidr("2001:db8::/32"))->HasEnd());
  // The first is over by then.
  EXPECT_EQ(BlocksOf(*ReadEntries(text, later, kWall + minutes(10))),
            (std::vector<std::string>{"10.0.0.0/8", "2001:db8::/32"}));
}

TEST(EntryFileTest, AClockSetBackMakesNoEntryLonger) {
  const std::string text = WriteEntries(ThreeEntries(), kNow, kWall);
  const Result<EntryTrie> read = ReadEntries(text, kNow, kWall - hours(24 * 365));
  EXPECT_EQ(read->Find(*ParseCidr("192.0.2.7"))->expires, kNow + minutes(10));
}

TEST(EntryFileTest, WhatIsDamagedIsRefusedWhole) {
  const std::string text = WriteEntries(ThreeEntries(), kNow, kWall);
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(ReadEntries(text.substr(0, length), kNow, kWall)) << length;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_FALSE(ReadEntries(other, kNow, kWall)) << at;
  }
  EXPECT_FALSE(ReadEntries(text + text, kNow, kWall));
}

TEST(StateFileTest, NamesAreSafe) {
  EXPECT_EQ(StateFileOf("", "ip_access", "a"), "");
  EXPECT_EQ(StateFileOf("data", "ip_access", "bans-2.eu"), "data/ip_access/bans-2.eu");
  EXPECT_EQ(StateFileOf("data/", "ip_access", "../a b"), "data/ip_access/%2e.%2fa%20b");
  // "a" has these beside it.
  EXPECT_EQ(StateFileOf("data", "ip_access", "a.new"), "data/ip_access/a%2enew");
  EXPECT_EQ(StateFileOf("data", "ip_access", "a.b.damaged"), "data/ip_access/a.b%2edamaged");
  EXPECT_EQ(StateFileOf("data", "ip_access", "a%2enew"), "data/ip_access/a%252enew");
  const std::string one = StateFileOf("d", "t", std::string(4000, '/') + "1");
  const std::string two = StateFileOf("d", "t", std::string(4000, '/') + "2");
  EXPECT_NE(one, two);
  EXPECT_LT(one.size(), 240);
}

// In a folder of its own, which does not exist yet.
class EntryTableTest : public testing::Test {
 protected:
  EntryTableTest()
      : path_(testing::TempDir() + "entry_table_test/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + "/bans") {
    std::remove(path_.c_str());
    std::remove((path_ + ".damaged").c_str());
    std::remove((path_ + ".new").c_str());
  }

  static EntryOutcome Add(EntryTable& table, std::string_view block, uint64_t max = 100) {
    const EntryChange change{false, EntryFor(block)};
    return table.Change({&change, 1}, max);
  }
  std::string Content() const {
    std::stringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }

  const std::string path_;
};

TEST_F(EntryTableTest, OutlastsTheProcess) {
  {
    EntryTable table("bans", path_);
    table.Restore(true);
    Add(table, "192.0.2.7");
    const EntryTable::Keeping keeping = table.Keep(MonotonicNow());
    EXPECT_TRUE(keeping.kept) << keeping.why;
  }
  EntryTable again("bans", path_);
  again.Restore(true);
  EXPECT_EQ(again.size(), 1);
  EXPECT_EQ(BlocksOf(*again.entries().Get()), (std::vector<std::string>{"192.0.2.7"}));
  EXPECT_FALSE(again.unsaved());
}

TEST_F(EntryTableTest, AStormIsWrittenSeldomAndWholeAtTheEnd) {
  {
    EntryTable table("bans", path_);
    const MonotonicTime now = MonotonicNow();
    for (int i = 0; i < 2'000; ++i) {
      Add(table, "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250), 5'000);
      const EntryTable::Keeping keeping = table.Keep(now);
      EXPECT_EQ(keeping.kept, i == 0);
      EXPECT_EQ(keeping.pending, i != 0);
    }
    EXPECT_EQ(table.backlog().Take(Backlog::kStateWrites), 1);
    EXPECT_TRUE(table.unsaved());
  }
  EntryTable again("bans", path_);
  again.Restore(true);
  EXPECT_EQ(again.size(), 2'000);
}

TEST_F(EntryTableTest, OneTableForOneFile) {
  std::weak_ptr<EntryTable> first;
  {
    const std::shared_ptr<EntryTable> table = EntryTable::At("bans", path_, true);
    first = table;
    Add(*table, "10.0.0.1");
    table->Save();
    EXPECT_EQ(EntryTable::At("bans", path_, true), table);
    Add(*table, "10.0.0.2");  // Written as it goes.
  }
  EXPECT_TRUE(first.expired());
  const std::shared_ptr<EntryTable> again = EntryTable::At("bans", path_, true);
  EXPECT_EQ(again->size(), 2);
  EXPECT_NE(EntryTable::At("bans", "", true), EntryTable::At("bans", "", true));
}

// A pipe that nobody reads stands for a disk that takes its time.
TEST_F(EntryTableTest, NobodyWaitsForASlowDisk) {
  EntryTable table("bans", path_);
  std::vector<EntryChange> changes;  // More than a pipe holds.
  for (int i = 0; i < 3'000; ++i) {
    const std::string block = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    changes.push_back(
        {false, EntryFor(block, false, std::string(100, 'x'), MonotonicNow() + hours(1))});
  }
  Add(table, "192.0.2.7");
  ASSERT_TRUE(table.Save());
  ASSERT_FALSE(table.Change(changes, 5'000).full);
  const std::string slow = path_ + ".new";
  ASSERT_EQ(mkfifo(slow.c_str(), 0600), 0);
  const int disk = open(slow.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto writing = std::async(std::launch::async, [&] { return table.Save(); });
  pollfd begun{disk, POLLIN, 0};
  EXPECT_EQ(poll(&begun, 1, 20'000), 1);
  auto others = std::async(std::launch::async, [&] {
    EXPECT_EQ(table.size(), 3'001);
    EXPECT_TRUE(table.unsaved());
    EXPECT_EQ(table.trouble(), "");
    EXPECT_TRUE(table.NextEnd());
    EXPECT_TRUE(table.Keep(MonotonicNow() + minutes(1)).pending);
    EXPECT_FALSE(table.Save());
  });
  EXPECT_EQ(others.wait_for(seconds(20)), std::future_status::ready);
  char buffer[4096];
  do {  // The disk goes on, until all is written.
    poll(&begun, 1, 20'000);
  } while (read(disk, buffer, sizeof(buffer)) > 0);
  EXPECT_FALSE(writing.get());  // A pipe can't be synced.
  close(disk);
  others.get();
  EXPECT_TRUE(table.Save());
  EXPECT_FALSE(table.unsaved());
}

TEST_F(EntryTableTest, WithoutAFileNothingIsKept) {
  EntryTable table("bans", "");
  Add(table, "192.0.2.7");
  const EntryTable::Keeping keeping = table.Keep(MonotonicNow());
  EXPECT_FALSE(keeping.kept);
  EXPECT_FALSE(keeping.why.empty());
  EXPECT_FALSE(table.unsaved());
}

TEST_F(EntryTableTest, ADiskThatTakesNothing) {
  EntryTable table("bans", "/dev/full/bans");  // Its folder can't be made.
  Add(table, "192.0.2.7");
  const EntryTable::Keeping keeping = table.Keep(MonotonicNow());
  EXPECT_FALSE(keeping.kept);
  EXPECT_EQ(keeping.why, "Not a directory");
  EXPECT_EQ(table.backlog().Take(Backlog::kStateFailures), 1);
  EXPECT_EQ(table.trouble(), "Not a directory");
  EXPECT_EQ(table.size(), 1);
  EXPECT_TRUE(table.unsaved());
}

TEST_F(EntryTableTest, ADamagedFileIsMovedAside) {
  {
    EntryTable table("bans", path_);
    Add(table, "192.0.2.7");
  }
  const std::string text = Content();
  std::ofstream(path_) << text.substr(0, text.size() / 2);
  EntryTable checked("bans", path_);
  checked.Restore(false);  // As `validate` does.
  EXPECT_EQ(Content(), text.substr(0, text.size() / 2));
  EntryTable again("bans", path_);
  again.Restore(true);
  EXPECT_EQ(again.size(), 0);
  EXPECT_EQ(again.trouble(), "its end is missing");
  EXPECT_EQ(Content(), "");
  EXPECT_TRUE(std::ifstream(path_ + ".damaged").good());
}

TEST_F(EntryTableTest, AFullTableChangesNothing) {
  EntryTable table("bans", "");
  Add(table, "10.0.0.1", 2);
  Add(table, "10.0.0.2", 2);
  const EntryChange both[] = {
      {true, EntryFor("10.0.0.1")}, {false, EntryFor("10.0.0.3")}, {false, EntryFor("10.0.0.4")}};
  EXPECT_TRUE(table.Change(both, 2).full);
  EXPECT_EQ(BlocksOf(*table.entries().Get()), (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
  EXPECT_FALSE(table.Change({both, 2}, 2).full);  // One goes, one comes.
  EXPECT_FALSE(Add(table, "10.0.0.3", 2).full);   // It is there already.
  EXPECT_EQ(table.size(), 2);
}

TEST_F(EntryTableTest, ExpiredEntriesGiveWay) {
  EntryTable table("bans", "");
  const EntryChange change{false, EntryFor("10.0.0.1", false, "", MonotonicNow())};
  table.Change({&change, 1}, 1);
  EXPECT_FALSE(Add(table, "10.0.0.2", 1).full);
  EXPECT_EQ(table.size(), 1);
  EXPECT_FALSE(table.NextEnd());
}

TEST(EntryRequestsTest, Mistakes) {
  const auto mistakes = [](std::string_view json) {
    const auto changes = ParseEntryChanges(json, kNow, kWall);
    return changes ? std::string() : changes.error().message;
  };
  EXPECT_EQ(mistakes("{"), "the body is not JSON");
  EXPECT_EQ(mistakes("[]"), "the body must be an object: {\"entries\": [...]}, or one entry");
  EXPECT_EQ(mistakes("{\"entries\": {}}"), "entries: must be a list, and stand alone");
  EXPECT_EQ(mistakes("{\"cidr\": \"10.0.0.1\", \"ttl\": 10, \"reason\": \"a\\nb\"}"),
            "ttl: must be a duration in quotes, such as \"10m\"\n"
            "reason: must be a text of one line and at most 200 bytes");
  EXPECT_EQ(mistakes("{\"entries\": [{\"cidr\": \"10.0.0.1/8\"}, 7, {\"action\": \"ban\", "
                     "\"cdir\": 1, \"remove\": 1}]}"),
            "entries[0].cidr: \"10.0.0.1/8\" has bits set past its prefix length\n"
            "entries[1]: must be an object with a \"cidr\"\n"
            "entries[2].action: must be \"allow\" or \"deny\"\n"
            "entries[2].cdir: unknown key; there are cidr, action, ttl, reason, remove\n"
            "entries[2].remove: must be true or false\n"
            "entries[2]: needs a \"cidr\", such as \"192.0.2.7\" or \"192.0.2.0/24\"");
  std::string many = "{\"entries\": [1";
  for (int i = 0; i < 99; ++i) {
    many += ", 1";
  }
  EXPECT_TRUE(mistakes(many + "]}").ends_with("\nand 80 more"));
}

}  // namespace
}  // namespace gatehouse::filters
