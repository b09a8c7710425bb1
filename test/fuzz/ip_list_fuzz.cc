// SPDX-License-Identifier: Apache-2.0
// What ip_access takes from files, from the admin endpoint, and from the file of its entries: the
// same input as each of them.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "source/filters/security/entry_file.h"
#include "source/filters/security/entry_requests.h"
#include "source/filters/security/ip_list.h"

namespace gatehouse::filters {
namespace {

const MonotonicTime kNow{std::chrono::hours(100)};
const WallTime kWall{std::chrono::hours(24 * 365 * 56)};

void Check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// A line by itself is what it is among others, and what ParseCidr() says of it.
void LookAtLines(std::string_view text) {
  AddressBlocks blocks;
  const auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
  uint32_t last = 0;
  size_t mistakes = 0;
  const size_t count = ParseIpList(text, blocks, [&](uint32_t line, const std::string& message) {
    Check(line > last && line <= lines && !message.empty() && message.size() < 200);
    last = line;
    ++mistakes;
  });
  Check(count + mistakes <= lines);
  const CidrSet set(std::move(blocks));
  Check(count > 0 || set.empty());
  const std::string_view first = text.substr(0, text.find('\n'));
  if (const Result<Cidr> block = ParseCidr(first)) {
    AddressBlocks one;
    Check(ParseIpList(first, one, [](uint32_t, const std::string&) { std::abort(); }) == 1);
    const CidrSet alone(std::move(one));
    Check(alone.Contains(block->base) && set.Contains(block->base));
    Check(*ParseCidr(BlockText(*block)).map([&](const Cidr& again) {
      return again.base == block->base && again.prefix == block->prefix;
    }));
  }
}

// Whatever is accepted can be written and read again.
void LookAtEntries(std::string_view json) {
  const auto changes = ParseEntryChanges(json, kNow, kWall);
  if (!changes) {
    Check(!changes.error().message.empty());
    return;
  }
  EntryTrie trie;
  for (const EntryChange& change : *changes) {
    trie = change.remove ? trie.Without(change.entry->block) : trie.With(change.entry);
  }
  const std::string text = WriteEntries(trie, kNow, kWall);
  const Result<EntryTrie> again = ReadEntries(text, kNow, kWall);
  Check(again.has_value());
  Check(WriteEntries(*again, kNow, kWall) == text);
}

}  // namespace
}  // namespace gatehouse::filters

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  gatehouse::filters::LookAtLines(input);
  gatehouse::filters::LookAtEntries(input);
  (void)gatehouse::filters::ReadEntries(input, gatehouse::filters::kNow, gatehouse::filters::kWall);
  return 0;
}
