// SPDX-License-Identifier: Apache-2.0
// What lists of addresses cost: half of the addresses that are looked up are in the list.
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/filters/security/entry_trie.h"
#include "source/filters/security/ip_list.h"
#include "test/bench/measuring.h"

namespace gatehouse {
namespace {

using filters::AddressBlocks;
using filters::CidrSet;

enum class Family : uint8_t { kV4, kV6, kBoth };

// Blocks as lists have them, a line each: hosts and /24s, or /64s.
std::vector<std::string> Entries(size_t count, Family family) {
  std::mt19937_64 random(1);
  std::vector<std::string> out;
  char text[80];
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = random();
    const auto byte = [&](int at) { return static_cast<unsigned>(bits >> at & 255); };
    const auto word = [&](int at) { return static_cast<unsigned>(bits >> at & 0xffff); };
    if (family == Family::kV4 || (family == Family::kBoth && i % 2 == 0)) {
      std::snprintf(text, sizeof text, i % 8 == 0 ? "%u.%u.%u.0/24" : "%u.%u.%u.%u",
                    byte(0) % 223 + 1, byte(8), byte(16), byte(24));
    } else {
      std::snprintf(text, sizeof text, "2%03x:%x:%x:%x::/64", word(0) & 0xfff, word(16), word(32),
                    word(48));
    }
    out.emplace_back(text);
  }
  return out;
}

// Every other one is in the list; the rest are anywhere.
std::vector<IpAddress> Addresses(const std::vector<std::string>& entries) {
  std::mt19937_64 random(2);
  std::vector<IpAddress> out;
  for (size_t i = 0; i < 65'536; ++i) {
    IpAddress address = ParseCidr(entries[random() % entries.size()])->base;
    for (size_t at = address.IsV4() ? 12 : 1; i % 2 == 0 && at < 16; ++at) {
      address.bytes[at] = static_cast<uint8_t>(random());
    }
    out.push_back(address);
  }
  return out;
}

void BenchList(const char* what, size_t count, Family family) {
  const std::vector<std::string> entries = Entries(count, family);
  std::string text;
  for (const std::string& entry : entries) {
    text.append(entry).append("\n");
  }
  const int64_t begin = CpuNow();
  AddressBlocks blocks;
  filters::ParseIpList(text, blocks, [](uint32_t, const std::string&) {});
  const CidrSet set(std::move(blocks));
  const int64_t end = CpuNow();
  const std::vector<IpAddress> addresses = Addresses(entries);
  volatile bool sink = false;
  Print(what, Measure(2'000'000, [&](int i) {
          sink = set.Contains(addresses[static_cast<size_t>(i) * 7919 & 65'535]);
        }));
  Print("  of its memory", static_cast<double>(set.bytes()) / (1 << 20), "MiB");
  Print("  reading its text", static_cast<double>(end - begin) / 1e6, "ms");
}

void BenchEntries() {
  filters::EntryTrie trie;
  const std::vector<std::string> blocks = Entries(100'000, Family::kBoth);
  std::vector<filters::EntryTrie::Entry> entries;
  for (const std::string& block : blocks) {
    entries.push_back(
        std::make_shared<filters::AccessEntry>(filters::AccessEntry{.block = *ParseCidr(block)}));
  }
  const int64_t begin = CpuNow();
  for (const filters::EntryTrie::Entry& entry : entries) {
    trie = trie.With(entry);
  }
  Print("ip_access, making one of 100,000 entries",
        static_cast<double>(CpuNow() - begin) / static_cast<double>(entries.size()));
  const std::vector<IpAddress> addresses = Addresses(blocks);
  volatile bool sink = false;
  Print("ip_access lookup, 100,000 entries", Measure(1'000'000, [&](int i) {
          sink = trie.Decide(addresses[static_cast<size_t>(i) * 7919 & 65'535], MonotonicTime{}) !=
                 nullptr;
        }));
}

}  // namespace

void BenchIpLists() {
  BenchList("ip_access lookup, 1,000 blocks", 1'000, Family::kBoth);
  BenchList("ip_access lookup, 1,000 IPv4 blocks", 1'000, Family::kV4);
  BenchList("ip_access lookup, 1,000,000 blocks (at most 100)", 1'000'000, Family::kBoth);
  BenchList("ip_access lookup, 1,000,000 IPv4 blocks (100)", 1'000'000, Family::kV4);
  BenchList("ip_access lookup, 1,000,000 IPv6 blocks (100)", 1'000'000, Family::kV6);
  BenchEntries();
}

}  // namespace gatehouse
